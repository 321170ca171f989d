/** Whatever a command ended with, as the error that is told: what happened, to which thing, what to do next. */
import { stripVTControlCharacters } from 'node:util';
import type { Driver } from './drivers/driver.ts';
import { MqctlError, NotFoundError, UnsupportedError, UsageError, errorText, exitCodes } from './errors.ts';
import { nearest } from './nearest.ts';
import { ClosedPipe } from './output/streams.ts';

/** What drivers call a channel where they do not find it. */
const channelWords = new Set(['channel', 'topic', 'queue', 'stream', 'subject', 'exchange']);
/** For reading the names that might have been meant. */
const suggestionTimeoutMs = 1_000;

/** An error of ours, of the framework (`oclif`), or of anything below. */
export type Thrown = Error & { readonly code?: string; readonly oclif?: { readonly exit?: number } };

export interface FailedCommand {
  /** As it is typed: `dlq redrive`. */
  readonly words: string;
  /** The names of its flags. */
  readonly flags: readonly string[];
  /** The command's own: where it is aborted, its reason is what ended the command. */
  readonly signal: AbortSignal;
  /** The first that was connected to: it knows the names that there are. */
  readonly driver: Driver | undefined;
  /** Where applications keep their places, where that is not with this system. */
  readonly placesElsewhere: string | null;
}

/** Never throws. A `ClosedPipe` is nothing to tell: nobody reads any more. */
export async function explainError(thrown: Thrown, failed: FailedCommand): Promise<MqctlError | ClosedPipe> {
  const { signal, words, flags } = failed;
  // What was aborted ends for the reason of the abort, however it was worded on the way up.
  const reason: unknown = signal.aborted && !(thrown instanceof MqctlError) ? signal.reason : thrown;
  if (reason instanceof ClosedPipe) return reason;
  const flag = /^Parsing (--[\w-]+) \n\t(.*)\nSee more help with --help$/s.exec(thrown.message);
  // The framework writes around the message of a flag's own parser.
  if (flag !== null) {
    const hint = thrown instanceof MqctlError ? thrown.hint : undefined;
    return new UsageError(`${flag[1] ?? ''}: ${flag[2] ?? ''}`, hint === undefined ? {} : { hint });
  }
  if (reason instanceof NotFoundError) return withSuggestion(reason, failed);
  if (reason instanceof MqctlError) return reason;
  if (thrown.oclif !== undefined) {
    const message = firstSentence(thrown.message);
    const meant = flagMeant(message, flags);
    const help = `see mqctl ${words} --help`;
    return new UsageError(message, { hint: meant === null ? help : `did you mean --${meant}? ${help}` });
  }
  return new MqctlError('UNEXPECTED', exitCodes.failed.code, errorText(reason), {
    hint: 'run it with --debug to see where',
    cause: reason,
  });
}

function flagMeant(message: string, flags: readonly string[]): string | null {
  const typed = /^Nonexistent flag: --([\w-]+)$/.exec(message)?.[1];
  return typed === undefined ? null : nearest(typed, flags);
}

async function withSuggestion(
  error: NotFoundError,
  { driver, placesElsewhere }: FailedCommand,
): Promise<MqctlError> {
  if (driver === undefined || !(error.kind === 'group' || channelWords.has(error.kind))) return error;
  const names: string[] = [];
  try {
    const signal = AbortSignal.timeout(suggestionTimeoutMs);
    if (error.kind === 'group') {
      for (const { group } of (await driver.groups?.list({ match: null }, signal)) ?? []) names.push(group);
    } else {
      for await (const { channel } of driver.channels({ match: null, internal: true }, signal))
        names.push(channel);
    }
  } catch {
    return error; // no suggestion is better than a second error
  }
  const meant = nearest(error.missing, names);
  if (meant === null && error.kind === 'group' && placesElsewhere !== null)
    return new UnsupportedError(`${error.message}: ${placesElsewhere}`, { cause: error });
  return meant === null
    ? error
    : new MqctlError(error.code, error.exit, `${error.message} (did you mean "${meant}"?)`, {
        cause: error,
      });
}

/** The framework says what is wrong in the lines below a heading, and colours them: of arguments each with its description, wrapped. */
function firstSentence(text: string): string {
  const [first = '', ...below] = stripVTControlCharacters(text).split('\n');
  if (/^Missing \d+ required args?:$/.test(first)) {
    const names = below.flatMap((line) => /^(\S+)(?: {2}|$)/.exec(line)?.[1]?.toUpperCase() ?? []);
    return `${names.join(' and ')} is missing`;
  }
  const sentence = (first.endsWith('occurred:') && below[0] !== undefined ? below[0] : first).trim();
  const needs = /^All of the following must be provided when using (--[\w-]+): (.*)$/.exec(sentence);
  return needs === null ? sentence : `${needs[1] ?? ''} needs ${needs[2] ?? ''} beside it`;
}
