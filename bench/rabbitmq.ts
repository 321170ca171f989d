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
const prefetch = '1000';
const tenPercentMore = 1 / 0.9;

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

  const publishing = (name: string, commandFor: (queue: string) => Command): Side => ({
    name,
    run: async (round) => {
      const channel = `${name}-${round.toString()}`;
      await driver.admin?.create({ channel, type, partitions: null, settings: {}, deadLetter: null }, signal);
      const used = await run(bench, commandFor(channel), { folder, input });
      const there = (await driver.look?.appraise(channel, signal))?.waiting;
      if (there !== count) throw new Error(`${channel} holds ${String(there)}`);
      return used;
    },
  });
  // Takes what was published in the same round.
  const consuming = (name: string, from: string, commandFor: (queue: string) => Command): Side => ({
    name,
    run: async (round) => {
      const channel = `${from}-${round.toString()}`;
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
      publishing('produce', (queue) => mqctl('produce', queue, '-c', address)),
    ],
    [{ of: 'produce', atMost: tenPercentMore, times: 'amqplib' }],
  );
  const consume = ['--ack', '-o', 'value', '--prefetch', prefetch, '--limit', count.toString()];
  await compare(
    `Consumed with acknowledgements, ${type} queue, ${what}`,
    rounds,
    [
      consuming('script', 'amqplib', (queue) =>
        script('amqplib-consume.ts', address, queue, count.toString(), prefetch),
      ),
      consuming('consume --ack', 'produce', (queue) => mqctl('consume', queue, '-c', address, ...consume)),
    ],
    [{ of: 'consume --ack', atMost: tenPercentMore, times: 'script' }],
  );
}

function script(name: string, ...words: string[]): Command {
  return { program: process.execPath, words: [join(import.meta.dirname, 'peers', name), ...words] };
}
