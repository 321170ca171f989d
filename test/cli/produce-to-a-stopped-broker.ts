/** Producing while the broker is killed in the middle: every line has to be accounted for, whatever the system. */
import assert from 'node:assert/strict';
import { Readable } from 'node:stream';
import { setTimeout as sleep } from 'node:timers/promises';
import type { RunningBroker } from '../brokers/running-broker.ts';
import { readReport } from './produce-report.ts';
import { ended, startMqctl } from './run-mqctl.ts';
import type { Workplace } from './workplace.ts';

const killAfter = 20_000;

/**
 * Feeds lines until the broker is killed and the program ends; then starts the broker again and compares. `readAll` gives
 * the values that are there.
 */
export async function assertNothingReportedIsLost(
  place: Workplace,
  broker: RunningBroker,
  channel: string,
  readAll: () => Promise<string[]>,
): Promise<void> {
  const words = ['produce', channel, '-o', 'json', '--timeout', '5s', '-c', place.context];
  const child = startMqctl(words, { folder: place.folder });
  const result = ended(child);
  const { stdin } = child;
  assert.ok(stdin !== null);
  // An endless input: it has to end by itself.
  let fed = 0;
  const feed = new Readable({
    read() {
      let text = '';
      for (const end = fed + 500; fed < end; fed += 1) text += `message ${fed.toString()}\n`;
      const paced = fed > killAfter ? 5 : 0;
      setTimeout(() => this.push(text), paced);
    },
  });
  stdin.on('error', () => undefined); // it ends before its input does
  child.once('exit', () => feed.destroy());
  feed.pipe(stdin);
  while (fed <= killAfter) await sleep(10);
  await sleep(500); // some are answered, some are on their way
  await broker.kill();
  const end = await result;
  await broker.restart();

  const { produced, failed, unknown, sentTo, failures } = readReport(end);
  assert.equal(end.code, 6, end.stderr);
  assert.ok(produced > 0, 'the broker was killed before it answered anything');
  assert.ok(failed > 0, 'the broker was killed after everything was answered');
  assert.equal(produced + failed, sentTo, 'every line that was sent is one or the other');
  assert.doesNotMatch(end.stderr, /\n\s+at /);
  // One channel, one order: what was accepted came first.
  const firstFailure = failures[0]?.line;
  assert.equal(firstFailure, produced + 1);
  const there = new Set(await readAll());
  for (let line = 1; line <= produced; line += 1)
    assert.ok(
      there.has(`message ${(line - 1).toString()}`),
      `line ${line.toString()} was reported as produced and is not there`,
    );
  assert.ok(there.size <= produced + unknown, 'more is there than was produced or in doubt');
}
