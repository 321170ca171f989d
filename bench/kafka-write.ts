/**
 * A million lines of 100 bytes written to Kafka from a file, acknowledged by all replicas, whole processes: `produce`,
 * kcat, and Kafka's own console producer.
 *
 *     npm run build && node bench/kafka-write.ts [MESSAGES] [ROUNDS]
 */
import { join } from 'node:path';
import { runBench } from './harness/bench.ts';
import { compare } from './harness/comparison.ts';
import { kafkaPlace } from './harness/kafka-topics.ts';
import { writeLines } from './harness/lines-file.ts';
import { kafkaTool, mqctl, run, type Command, type Used } from './harness/whole-process.ts';

const count = Number(process.argv[2] ?? 1_000_000);
const rounds = Number(process.argv[3] ?? 5);
const bytes = 100;

await runBench(async (bench) => {
  const { address, folder, create, requireCount, remove } = await kafkaPlace(bench);
  const input = join(folder, 'input');
  await writeLines(input, count, bytes);

  const writing =
    (name: string, commandFor: (topic: string) => Command | Promise<Command>) =>
    async (round: number): Promise<Used> => {
      const topic = `${name}-${round.toString()}`;
      await create(topic);
      const used = await run(bench, await commandFor(topic), { folder, input });
      await requireCount(topic, count);
      await remove(topic);
      return used;
    };
  const kcat = (topic: string, ...words: string[]): Command => ({
    program: 'kcat',
    words: ['-P', '-b', address, '-t', topic, '-X', 'acks=all', ...words],
  });
  await compare(
    `${count.toLocaleString('en')} lines × ${bytes.toString()} B`,
    rounds,
    [
      { name: 'kcat', run: writing('kcat', (topic) => kcat(topic)) },
      {
        name: 'kcat, idempotent',
        run: writing('kcat-idempotent', (topic) => kcat(topic, '-X', 'enable.idempotence=true')),
      },
      {
        name: 'produce',
        run: writing('mqctl', (topic) => mqctl('produce', topic, '-c', `kafka://${address}`)),
      },
      {
        name: 'kafka-console-producer',
        run: writing('java', (topic) =>
          kafkaTool(
            'org.apache.kafka.tools.ConsoleProducer',
            ...['--bootstrap-server', address, '--topic', topic, '--request-required-acks', 'all'],
          ),
        ),
      },
    ],
    [
      { of: 'produce', atMost: 2, times: 'kcat' },
      { of: 'produce', atMost: 1, times: 'kafka-console-producer' },
    ],
  );
});
