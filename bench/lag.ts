/**
 * The lag of all groups, 100 groups of 1,000 partitions with a message waiting in each: mqctl against Kafka's own tool, whole
 * processes with the table printed, on one broker that this starts and stops.
 *
 *     npm run build && node bench/lag.ts [ROUNDS]
 */
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { Kafka, logLevel } from 'kafkajs';
import { startKafka } from '../test/brokers/kafka.ts';
import { commitGroups } from '../test/brokers/many-groups.ts';
import { eventually } from '../test/contract/suite/workbench.ts';
import { countingSession, plainConnection } from '../test/contract/kafka/kafka-session.ts';
import { runBench } from './harness/bench.ts';
import { compare } from './harness/comparison.ts';
import { kafkaTool, mqctl, run, type Command, type Used } from './harness/whole-process.ts';

const shape = { topic: 'bench', partitions: 1_000, groups: 100 };
const rounds = Number(process.argv[2] ?? 5);

await runBench(async (bench) => {
  const { address } = await bench.broker(() => startKafka());
  const folder = await bench.folder();
  await fill(address, bench.signal);
  const output = join(folder, 'table');
  const printing = (command: Command) => async (): Promise<Used> => {
    const used = await run(bench, command, { folder, output });
    if ((await stat(output)).size < 1_000) throw new Error(`${command.program} printed no table`);
    return used;
  };
  const own = await kafkaTool(
    'org.apache.kafka.tools.consumer.group.ConsumerGroupCommand',
    ...['--bootstrap-server', address, '--describe', '--all-groups'],
  );
  await compare(
    `Lag of ${shape.groups.toString()} groups × ${shape.partitions.toLocaleString('en')} partitions`,
    rounds,
    [
      { name: 'kafka-consumer-groups --all-groups', run: printing(own) },
      { name: 'lag', run: printing(mqctl('lag', '-c', `kafka://${address}`)) },
    ],
    [{ of: 'lag', atMost: 0.1, times: 'kafka-consumer-groups --all-groups' }],
  );
});

async function fill(address: string, signal: AbortSignal): Promise<void> {
  const kafka = new Kafka({ brokers: [address], logLevel: logLevel.NOTHING });
  const admin = kafka.admin();
  await admin.connect();
  await admin.createTopics({
    topics: [{ topic: shape.topic, numPartitions: shape.partitions }],
    timeout: 60_000,
    waitForLeaders: true,
  });
  await admin.disconnect();
  const producer = kafka.producer();
  await producer.connect();
  const messages = Array.from({ length: shape.partitions }, (_, partition) => ({ partition, value: 'x' }));
  // A leader that is only now one refuses at first.
  await eventually(() => producer.send({ topic: shape.topic, messages }).then(() => undefined), 60_000);
  await producer.disconnect();
  const { session } = await countingSession(plainConnection(address));
  await eventually(() => commitGroups(session, shape, signal).then(() => undefined), 60_000);
  await session.close();
}
