/**
 * Draws the rate of a redrive over time, on a clock that does not wait: `node bench/pacing-simulation.ts`. The engine's own
 * pacing runs against a made-up service; docs/dead-letters.md shows what this prints.
 */
import { Breaker } from '../src/lib/dlq/breaker.ts';
import { Canary } from '../src/lib/dlq/canary.ts';
import type { Clock } from '../src/lib/dlq/clock.ts';
import { Governor } from '../src/lib/dlq/governor.ts';
import { batchSize, Pacer } from '../src/lib/dlq/pacing.ts';
import type { Came } from '../src/lib/dlq/returns.ts';

const selected = 5_000;
const ratePerSecond = 50;
const bucketMs = 10_000;
const watchMs = 10_000;

interface Service {
  readonly title: string;
  /** Whether a message that arrives then fails, and comes back. */
  readonly fails: (at: number) => boolean;
}

const services: readonly Service[] = [
  { title: 'the service is well', fails: () => false },
  { title: 'it fails for a minute, from 2:00', fails: (at) => at >= 120_000 && at < 180_000 },
  { title: 'it still fails', fails: () => true },
];

class VirtualClock implements Clock {
  time = 0;
  #draws = 0;

  now(): number {
    return this.time;
  }

  async sleep(milliseconds: number): Promise<void> {
    this.time += milliseconds;
  }

  random(): number {
    this.#draws += 1;
    return (this.#draws * 0.618_033_988_749) % 1;
  }
}

async function draw({ title, fails }: Service): Promise<void> {
  const clock = new VirtualClock();
  const buckets: number[] = [];
  const said: string[] = [];
  let returned: number[] = [];
  const governor = new Governor({
    pacer: new Pacer(ratePerSecond, clock),
    canary: new Canary(true, selected),
    breaker: new Breaker(),
    returns: {
      check: async (): Promise<Came> => {
        const ordinals = returned;
        returned = [];
        return { ordinals, strangers: 0, unidentified: 0 };
      },
      tellApart: async () => [],
      removed: () => undefined,
      blind: null,
    },
    clock,
    watchMs,
    batchSize: batchSize(ratePerSecond, 100),
    onReturned: (ordinals) => ordinals.length,
    onNote: (text) => said.push(`${timeOf(clock.time)}  ${text}`),
    overload: async () => null,
  });
  const { signal } = new AbortController();
  let sent = 0;
  while (sent < selected) {
    const count = await governor.admit(selected - sent, signal);
    if (count === 0) break;
    const bucket = Math.floor(clock.time / bucketMs);
    buckets[bucket] = (buckets[bucket] ?? 0) + count;
    for (let message = 0; message < count; message += 1) if (fails(clock.time)) returned.push(sent + message);
    sent += count;
    await governor.sent(count, 0, signal);
  }
  const lines = Array.from(buckets, (count = 0, bucket) => {
    const rate = count / (bucketMs / 1_000);
    const bar = '█'.repeat(Math.floor(rate)) + (rate > 0 && rate < 1 ? '▏' : '');
    return `${timeOf(bucket * bucketMs)} ${rate.toFixed(1).padStart(5)}/s ${bar}`.trimEnd();
  });
  const end =
    governor.stopped === null
      ? `${timeOf(clock.time)}  done: ${sent.toString()}`
      : `${timeOf(clock.time)}  stopped after ${sent.toString()}: ${governor.stopped}`;
  console.log([`# ${title}`, ...lines, ...said, end, ''].join('\n'));
}

function timeOf(milliseconds: number): string {
  const seconds = Math.round(milliseconds / 1_000);
  return `${Math.floor(seconds / 60).toString()}:${(seconds % 60).toString().padStart(2, '0')}`;
}

for (const service of services) await draw(service);
