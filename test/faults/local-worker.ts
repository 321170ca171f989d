/**
 * A process to be killed, or to run beside others: publishes to or claims from `orders` of a local file, and writes a line
 * for everything that was acknowledged, once it was.
 *
 *     node local-worker.ts PATH produce NAME COUNT       lines: what was accepted
 *     node local-worker.ts PATH transact NAME COUNT      stages COUNT messages, says `staged` and waits
 *     node local-worker.ts PATH claim GROUP              lines: what was settled; GROUP - is the channel itself
 *     node local-worker.ts PATH hold GROUP               claims a batch, says `held` and waits
 *     node local-worker.ts PATH move                     moves `dead` to `orders`; lines: what was moved
 */
import { writeSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Driver } from '../../src/lib/drivers/driver.ts';
import { Bench, message, openLocal, textOf, textsOf, unaborted } from '../unit/drivers/local/bench.ts';

const [path = '', task = '', name = '', count = '0'] = process.argv.slice(2);
const batchSize = 20;

/** At once and unbuffered: what was written before a kill was acknowledged before it. */
function say(lines: readonly string[]): void {
  if (lines.length > 0) writeSync(1, `${lines.join('\n')}\n`);
}

async function produce(bench: Bench): Promise<void> {
  const publisher = await bench.publishing.open(
    { channel: 'orders', delivery: 'at-least-once', compression: null },
    unaborted,
  );
  for (let first = 0; first < Number(count); first += batchSize) {
    const batch = Array.from({ length: batchSize }, (_, index) => message(`${name}-${first + index}`));
    const outcomes = await publisher.send(batch);
    say(batch.filter((_, index) => outcomes[index]?.status === 'accepted').map(textOf));
  }
  await publisher.close();
}

async function transact(bench: Bench): Promise<void> {
  const publisher = await bench.publishing.open(
    { channel: 'orders', delivery: 'transactional', compression: null },
    unaborted,
  );
  await publisher.send(Array.from({ length: Number(count) }, (_, index) => message(`${name}-${index}`)));
  say(['staged']);
  await sleep(60_000);
}

async function claim(bench: Bench): Promise<void> {
  const claiming = await bench.claiming('orders', { group: name === '-' ? null : name, window: batchSize });
  for await (const batch of claiming.batches) {
    if (batch.kind !== 'claimed') continue;
    const outcomes = await claiming.settle(batch.items.map((item) => item.claim));
    say(textsOf(batch.items.filter((_, index) => outcomes[index] === 'settled')));
  }
  await claiming.close();
}

async function hold(bench: Bench): Promise<void> {
  const claiming = await bench.claiming('orders', { group: name, window: batchSize });
  await claiming.batches[Symbol.asyncIterator]().next();
  say(['held']);
  await sleep(60_000);
}

async function move(bench: Bench, driver: Driver): Promise<void> {
  const request = { source: 'dead', destination: driver, channel: 'orders', name: 'redrive' };
  const moving = await driver.atomicMove?.(request, unaborted);
  const sources = await bench.read('dead');
  for (let first = 0; first < sources.length; first += batchSize) {
    const items = sources
      .slice(first, first + batchSize)
      .map((source) => ({ source, outgoing: { ...source, partition: null } }));
    await moving?.move(items, unaborted);
    say(items.map(({ source }) => textOf(source)));
  }
}

const driver = await openLocal(`local:${path}`);
const bench = new Bench(driver, path);
if (task === 'produce') await produce(bench);
else if (task === 'transact') await transact(bench);
else if (task === 'claim') await claim(bench);
else if (task === 'hold') await hold(bench);
else if (task === 'move') await move(bench, driver);
await driver.close();
