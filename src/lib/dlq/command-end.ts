import { stripVTControlCharacters } from 'node:util';

import { looseText } from '../message/text.ts';
import type { CommandEnd } from '../operations/run-command.ts';

/** What a shell says of a command that it found but may not run, and of one that it did not find. */
const cannotRun = new Set([126, 127]);

/** Whether it exited by itself, with 0. */
export function succeeded(end: CommandEnd): boolean {
  return end.kind === 'exited' && end.status === 0;
}

/** Why the command did not run at all, which is no fault of the message; null where it ran. */
export function whyNotRun(end: CommandEnd): string | null {
  if (end.kind === 'not-started') return end.reason;
  if (end.kind !== 'exited' || !cannotRun.has(end.status)) return null;
  return `the shell says ${end.status.toString()}${end.status === 127 ? ', not found' : ', not executable'}`;
}

/** How it ended, the same for all messages that failed alike: `exit 3`, `killed by SIGKILL`, `timed out`. */
export function endWords(end: CommandEnd): string {
  switch (end.kind) {
    case 'exited':
      return `exit ${end.status.toString()}`;
    case 'killed':
      return `killed by ${end.signal}`;
    case 'timed-out':
      return 'timed out';
    case 'not-started':
      return 'not started';
  }
}

const longestWords = 1_000;

/** The last line that it wrote to stderr, without colours, as programs end with what went wrong; null where it wrote none. */
export function lastWords({ errorTail }: CommandEnd): string | null {
  const lines = stripVTControlCharacters(looseText(errorTail)).split(/[\r\n]/);
  const last = lines.findLast((line) => line.trim() !== '');
  return last === undefined ? null : last.trim().slice(-longestWords);
}
