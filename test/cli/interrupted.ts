/** Ctrl-C and SIGTERM in the middle of work at a real broker: how it ends, and that nothing was settled that was not written. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { setTimeout as sleep } from 'node:timers/promises';
import { readReport, valuesOf } from './produce-report.ts';
import { ended, mqctl, startMqctl } from './run-mqctl.ts';
import type { Workplace } from './workplace.ts';

export const signals = [
  ['SIGINT', 130],
  ['SIGTERM', 143],
] as const;

export const lineOf = (at: number): string => `message ${at.toString()}`;

/** Produces from a pipe that stays open, and ends it by the signal. Resolves with how many it says were produced. */
export async function produceUntil(
  signal: NodeJS.Signals,
  exit: number,
  { folder, context }: Workplace,
  channel: string,
): Promise<number> {
  const child = startMqctl(['produce', channel, '-o', 'json', '-c', context], { folder });
  const result = ended(child);
  const { stdin } = child;
  assert.ok(stdin !== null);
  stdin.on('error', () => undefined); // it ends while lines are on their way
  let fed = 0;
  let gone = false;
  child.once('exit', () => (gone = true));
  const feeding = (async () => {
    while (!gone) {
      let lines = '';
      for (const end = fed + 100; fed < end; fed += 1) lines += `${lineOf(fed)}\n`;
      stdin.write(lines);
      await sleep(5);
    }
  })();
  await sleep(1_500);
  child.kill(signal);
  const end = await result;
  await feeding;
  stdin.destroy();
  assert.equal(end.code, exit, end.stderr);
  assert.doesNotMatch(end.stderr, /\n\s+at /);
  const { produced, failed, unknown } = readReport(end);
  assert.deepEqual({ failed, unknown }, { failed: 0, unknown: 0 });
  assert.ok(produced > 0, 'it was ended before it began');
  return produced;
}

/** Takes slowly read messages and ends it by the signal. Resolves with the whole lines that were written out. */
export async function takeUntil(
  signal: NodeJS.Signals,
  exit: number,
  { folder, context }: Workplace,
  words: readonly string[],
): Promise<string[]> {
  const child = startMqctl(['consume', ...words, '-o', 'value', '-c', context], { folder });
  child.stdin?.end();
  const { stdout, stderr } = child;
  assert.ok(stdout !== null && stderr !== null);
  let said = '';
  stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
  let read = '';
  await once(stdout, 'readable');
  read += String(stdout.read(1024) ?? '');
  await sleep(500); // the pipe is full: more is taken than was written
  child.kill(signal);
  stdout.on('data', (chunk: Buffer) => (read += chunk.toString()));
  await once(child, 'close');
  assert.equal(child.exitCode, exit, said);
  assert.doesNotMatch(said, /\n\s+at /);
  assert.ok(read === '' || read.endsWith('\n'), 'what was written ends with a whole line');
  return read.split('\n').slice(0, -1);
}

/** So many that a paced redrive of them is still under way when the signal comes. */
const deadLetters = 200;

/**
 * Redrives dead letters and ends it by the signal, then goes on as it says. Asserts that the two runs together moved each
 * one once: `wordsToTake` are the words that take all of a channel.
 */
export async function redriveUntil(
  signal: NodeJS.Signals,
  exit: number,
  place: Workplace,
  channels: { readonly from: string; readonly to: string },
  wordsToTake: readonly string[],
): Promise<void> {
  const { folder, context, done } = place;
  const { from, to } = channels;
  const lines = Array.from({ length: deadLetters }, (_, at) => lineOf(at));
  await done(['produce', from], lines.join('\n'));
  const redrive = ['dlq', 'redrive', from, '--yes', '-c', context];
  const paced = ['--all', '--to', to, '--rate', '20/s', '--no-canary'];
  const child = startMqctl([...redrive, ...paced, '-o', 'json'], { folder });
  child.stdin?.end();
  const result = ended(child);
  const look = ['consume', to, '-o', 'value', '--limit', '1'];
  while (child.exitCode === null && (await done(look)).stdout.length === 0);
  child.kill(signal);
  const { code, stderr } = await result;
  assert.equal(code, exit, stderr);
  assert.doesNotMatch(stderr, /\n\s+at .*:\d+:\d+/); // no stack; the pace is "at 20/s"
  const id = /--resume (\S+)/.exec(stderr)?.[1];
  assert.ok(id !== undefined, stderr);
  const rest = await mqctl([...redrive, '--resume', id, '--rate', 'max', '--no-canary'], { folder });
  assert.equal(rest.code, 0, rest.stderr);
  const number = (line: string): number => Number(line.split(' ')[1]);
  const there = valuesOf(await done(['consume', to, ...wordsToTake, '-o', 'value'])).map(number);
  assert.deepEqual(
    there.sort((one, other) => one - other),
    lines.map(number),
    'each is there once',
  );
}
