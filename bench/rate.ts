/**
 * What `dlq redrive --rate` keeps of the pace that it was asked for: between two topics of Kafka, ten seconds of each rate.
 * Counted is what arrives, by the destination's end, from the first message to the last.
 *
 *     npm run build && node bench/rate.ts [RATE…]
 */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { runBench } from './harness/bench.ts';
import { tellGoal } from './harness/comparison.ts';
import { kafkaPlace } from './harness/kafka-topics.ts';
import { writeLines } from './harness/lines-file.ts';
import { mqctl, run, startProcess } from './harness/whole-process.ts';

const asked = process.argv.length > 2 ? process.argv.slice(2).map(Number) : [200, 1_000];
const seconds = 10;
/** Never faster, but for what a sample's own time blurs; hardly slower. */
const within = 0.05;

await runBench(async (bench) => {
  const { address, folder, create, countOf } = await kafkaPlace(bench);
  const context = ['-c', `kafka://${address}`];
  for (const rate of asked) {
    const [dead, orders] = [`orders-${rate.toString()}.dlq`, `orders-${rate.toString()}`];
    await create(dead);
    await create(orders);
    const input = join(folder, dead);
    const count = rate * seconds;
    await writeLines(input, count, 100);
    await run(bench, mqctl('produce', dead, ...context), { folder, input });
    const pace = ['--rate', `${rate.toString()}/s`, '--no-canary', '--yes'];
    const redrive = mqctl('dlq', 'redrive', dead, ...context, '--all', '--to', orders, ...pace);
    const { done } = startProcess(bench, redrive, { folder });
    const samples: Sample[] = [];
    while ((samples.at(-1)?.count ?? 0) < count) {
      const before = performance.now();
      const arrived = await countOf(orders);
      samples.push({ at: (before + performance.now()) / 2, count: arrived });
      await sleep(50, undefined, bench);
    }
    await done;
    const kept = rateOf(samples);
    tellGoal(
      `${rate.toString()}/s asked`,
      Math.abs(kept / rate - 1) <= within,
      `${kept.toFixed(0)}/s kept, the fastest second ${fastestSecond(samples).toString()}`,
    );
  }
});

interface Sample {
  /** Milliseconds. */
  readonly at: number;
  readonly count: number;
}

/** From the first sample in which something had come to the one in which all had. */
function rateOf(samples: readonly Sample[]): number {
  const [first, last] = [samples.find((sample) => sample.count > 0), samples.at(-1)];
  if (first === undefined || last === undefined) return NaN;
  return ((last.count - first.count) / (last.at - first.at)) * 1_000;
}

function fastestSecond(samples: readonly Sample[]): number {
  let most = 0;
  for (const { at, count } of samples) {
    const before = samples.findLast((sample) => sample.at <= at - 1_000);
    if (before !== undefined) most = Math.max(most, count - before.count);
  }
  return most;
}
