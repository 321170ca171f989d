/**
 * A million messages of 100 bytes read from Kafka into a file, whole processes: `consume` with values only and with
 * lossless records, kcat with the same two, and Kafka's own console consumer.
 *
 *     npm run build && node bench/kafka-read.ts [MESSAGES] [ROUNDS]
 */
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { runBench } from './harness/bench.ts';
import { compare } from './harness/comparison.ts';
import { kafkaPlace } from './harness/kafka-topics.ts';
import { requireLines, requireSize, writeLines } from './harness/lines-file.ts';
import { kafkaTool, mqctl, run, type Command, type Used } from './harness/whole-process.ts';

const count = Number(process.argv[2] ?? 1_000_000);
const rounds = Number(process.argv[3] ?? 5);
const bytes = 100;
const topic = 'bench';

await runBench(async (bench) => {
  const { address, folder, create, requireCount } = await kafkaPlace(bench);
  const output = join(folder, 'output');
  const input = join(folder, 'input');
  await create(topic);
  await writeLines(input, count, bytes);
  await run(bench, mqctl('produce', topic, '-c', `kafka://${address}`), { folder, input });
  await requireCount(topic, count);

  const reading = (command: Command, check: () => Promise<void>) => async (): Promise<Used> => {
    const used = await run(bench, command, { folder, output });
    await check();
    await rm(output);
    return used;
  };
  const values = () => requireSize(output, count * (bytes + 1));
  const records = () => requireLines(output, count);
  const consume = ['consume', topic, '-c', `kafka://${address}`];
  const kcat = (...words: string[]): Command => ({
    program: 'kcat',
    words: ['-C', '-b', address, '-t', topic, '-o', 'beginning', '-e', '-q', ...words],
  });
  const java = await kafkaTool(
    'org.apache.kafka.tools.consumer.ConsoleConsumer',
    ...['--bootstrap-server', address, '--topic', topic, '--from-beginning'],
    ...['--max-messages', count.toString()],
  );
  await compare(
    `Values of ${count.toLocaleString('en')} × ${bytes.toString()} B`,
    rounds,
    [
      { name: 'kcat', run: reading(kcat(), values) },
      { name: 'consume -o value', run: reading(mqctl(...consume, '-o', 'value'), values) },
      { name: 'kafka-console-consumer', run: reading(java, values) },
    ],
    [{ of: 'consume -o value', atMost: 1, times: 'kcat' }],
  );
  await compare(
    'The same as records',
    rounds,
    [
      { name: 'kcat -J', run: reading(kcat('-J'), records) },
      { name: 'consume -o ndjson', run: reading(mqctl(...consume, '-o', 'ndjson'), records) },
    ],
    [{ of: 'consume -o ndjson', atMost: 1, times: 'kcat -J' }],
  );
});
