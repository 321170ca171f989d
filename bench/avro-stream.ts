/**
 * A million framed Avro records, decoded as `consume` does it, against avsc alone, for several shapes of records:
 * `node bench/avro-stream.ts [COUNT] [ROUNDS] [SHAPE]...`.
 *
 * Each way decodes in a process of its own, since a program uses one of them, never both: V8 compiles for what it has seen,
 * and neither pays for the other's garbage. Of the two processes only one is at work at a time, in the order ABBA, so that
 * what drifts on the machine meets both alike. V8 does not compile each process alike either: so there are several pairs of
 * processes, and their first rounds do not count. What counts is processor time, since the machine may be shared; wall time
 * stands beside it. `all in turn` is the one case in which the same code meets several schemas.
 */
import { fork, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import type { Time } from './avro/decode.ts';
import { allInTurn, shapes } from './avro/shapes.ts';

const [, , countText = '1000000', roundsText = '6', ...chosen] = process.argv;
const count = Number(countText);
/** Of each pair of processes. */
const rounds = Number(roundsText);
const pairsOfProcesses = 5;
const warmUps = 2;

interface Pair {
  readonly avsc: Time;
  readonly mqctl: Time;
}

console.log(
  `${count.toString()} records, ${pairsOfProcesses.toString()} × ${rounds.toString()} rounds, medians`,
);
console.log('shape        clock      avsc alone  mqctl       of its speed  each pair of processes');
for (const shape of chosen.length > 0 ? chosen : [...Object.keys(shapes), allInTurn]) {
  const measured: (readonly Pair[])[] = [];
  for (let index = 0; index < pairsOfProcesses; index += 1) measured.push(await pairsOf(shape));
  const pairs = measured.flat();
  for (const clock of ['processor', 'wall'] as const)
    console.log(
      [
        shape.padEnd(12),
        clock.padEnd(10),
        perSecond(pairs.map(({ avsc }) => avsc[clock])).padEnd(11),
        perSecond(pairs.map(({ mqctl }) => mqctl[clock])).padEnd(11),
        shareOf(pairs, clock).padEnd(13),
        measured.map((some) => shareOf(some, clock)).join(' '),
      ].join(' '),
    );
}

/** One process for each way, one after the other at work. */
async function pairsOf(shape: string): Promise<readonly Pair[]> {
  const [avsc, mqctl] = await Promise.all([started(shape, 'avsc'), started(shape, 'mqctl')]);
  const pairs: Pair[] = [];
  for (let round = -warmUps; round < rounds; round += 1) {
    const first = await timed(round % 2 === 0 ? avsc : mqctl);
    const second = await timed(round % 2 === 0 ? mqctl : avsc);
    if (round >= 0)
      pairs.push(round % 2 === 0 ? { avsc: first, mqctl: second } : { avsc: second, mqctl: first });
  }
  avsc.disconnect();
  mqctl.disconnect();
  return pairs;
}

async function started(shape: string, variant: keyof Pair): Promise<ChildProcess> {
  const path = fileURLToPath(new URL('avro/decode.ts', import.meta.url));
  const child = fork(path, [shape, variant, count.toString()], { execArgv: ['--expose-gc'] });
  await answer(child);
  return child;
}

async function timed(child: ChildProcess): Promise<Time> {
  child.send('decode');
  const time: unknown = await answer(child);
  if (!isTime(time)) throw new TypeError('a round answers with its time');
  return time;
}

async function answer(child: ChildProcess): Promise<unknown> {
  const ended = once(child, 'exit').then(() => {
    throw new Error('a process of the bench ended before its last round');
  });
  const answers: unknown[] = await Promise.race([once(child, 'message'), ended]);
  return answers[0];
}

function isTime(value: unknown): value is Time {
  return typeof value === 'object' && value !== null && 'wall' in value && 'processor' in value;
}

function shareOf(pairs: readonly Pair[], clock: keyof Time): string {
  return median(pairs.map(({ avsc, mqctl }) => avsc[clock] / mqctl[clock])).toFixed(2);
}

function perSecond(milliseconds: readonly number[]): string {
  return `${Math.round(count / median(milliseconds)).toString()} k/s`;
}

function median(values: readonly number[]): number {
  const sorted = [...values].sort((one, other) => one - other);
  const middle = sorted.length / 2;
  return ((sorted[Math.ceil(middle) - 1] ?? NaN) + (sorted[Math.floor(middle)] ?? NaN)) / 2;
}
