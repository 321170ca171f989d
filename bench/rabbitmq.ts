/**
 * Publishing with confirms to a classic and to a quorum queue, and consuming from them with acknowledgements, from and to
 * files, whole processes: `produce` and `consume --ack` against plain scripts with amqplib (`bench/peers`).
 *
 *     npm run build && node bench/rabbitmq.ts [MESSAGES] [ROUNDS]
 */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { open } from '../src/lib/drivers/rabbitmq/index.ts';
import { startRabbitmq } from '../test/brokers/rabbitmq.ts';
import { connectionTo } from '../test/contract/rabbitmq/rabbitmq-server.ts';
import { runBench, type Bench } from './harness/bench.ts';
import { compare, type Side } from './harness/comparison.ts';
import { requireSize, writeLines } from './harness/lines-file.ts';
import { mqctl, run, type Command } from './harness/whole-process.ts';

const count = Number(process.argv[2] ?? 200_000);
const rounds = Number(process.argv[3] ?? 5);
const bytes = 100;
/** What `consume` takes where nothing is said, and more than it lets in at once. */
const prefetches = ['100', '1000'];
/** Within ten percent of the other's rate. */
const mostOf = 1.1;

await runBench(
  (bench) => withQueues(bench, 'classic'),
  (bench) => withQueues(bench, 'quorum'),
);

async function withQueues(bench: Bench, type: 'classic' | 'quorum'): Promise<void> {
  const { signal } = bench;
  const folder = await bench.folder();
  const { address } = await bench.broker(() => startRabbitmq());
  const environment = { log: () => undefined, timeoutMs: 60_000, signal, stateFolder: folder };
  const driver = await bench.own(
    () => open(connectionTo(address), environment),
    (opened) => opened.close(),
  );
  const [input, output] = [join(folder, 'input'), join(folder, 'output')];
  await writeLines(input, count, bytes);

  const newQueue = async (channel: string): Promise<void> =>
    driver.admin?.create({ channel, type, partitions: null, settings: {}, deadLetter: null }, signal);
  const publishing = (name: string, commandFor: (queue: string) => Command): Side => ({
    name,
    run: async (round) => {
      const channel = `${name}-${round.toString()}`;
      await newQueue(channel);
      const used = await run(bench, commandFor(channel), { folder, input });
      const there = (await driver.look?.appraise(channel, signal))?.waiting;
      if (there !== count) throw new Error(`${channel} holds ${String(there)}`);
      await driver.admin?.delete(channel, signal);
      return used;
    },
  });
  const publish = (queue: string): Command => mqctl('produce', queue, '-c', address);
  const consuming = (name: string, commandFor: (queue: string) => Command): Side => ({
    name,
    run: async (round) => {
      const channel = `${name.replaceAll(' ', '-')}-${round.toString()}`;
      await newQueue(channel);
      await run(bench, publish(channel), { folder, input });
      const used = await run(bench, commandFor(channel), { folder, output });
      await requireSize(output, count * (bytes + 1));
      await rm(output);
      await driver.admin?.delete(channel, signal);
      return used;
    },
  });
  const what = `${count.toLocaleString('en')} × ${bytes.toString()} B`;
  await compare(
    `Published with confirms, ${type} queue, ${what}`,
    rounds,
    [
      publishing('amqplib', (queue) => script('amqplib-publish.ts', address, queue)),
      publishing('produce', publish),
    ],
    [{ of: 'produce', atMost: mostOf, times: 'amqplib' }],
  );
  for (const prefetch of prefetches) {
    const words = ['--ack', '-o', 'value', '--prefetch', prefetch, '--limit', count.toString()];
    await compare(
      `Consumed with acknowledgements, ${prefetch} at once, ${type} queue, ${what}`,
      rounds,
      [
        consuming('amqplib', (queue) =>
          script('amqplib-consume.ts', address, queue, count.toString(), prefetch),
        ),
        consuming('consume --ack', (queue) => mqctl('consume', queue, '-c', address, ...words)),
      ],
      [{ of: 'consume --ack', atMost: mostOf, times: 'amqplib' }],
    );
  }
}

function script(name: string, ...words: string[]): Command {
  return { program: process.execPath, words: [join(import.meta.dirname, 'peers', name), ...words] };
}
