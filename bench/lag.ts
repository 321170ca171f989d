/**
 * The lag of all groups, 100 groups of 1,000 partitions with a message waiting in each: mqctl against Kafka's own tool, whole
 * processes with their output read to the end, on one broker that this starts and stops.
 *
 *     npm run build && node bench/lag.ts [RUNS]
 */
import { spawn } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { Kafka, logLevel } from 'kafkajs';
import { kafkaLibraries } from '../test/brokers/kafka-libraries.ts';
import { startKafka } from '../test/brokers/kafka.ts';
import { commitGroups } from '../test/brokers/many-groups.ts';
import { cleanEnvironment } from '../test/cli/run-mqctl.ts';
import { eventually } from '../test/contract/suite/workbench.ts';
import { countingSession, plainConnection } from '../test/contract/kafka/kafka-session.ts';

const shape = { topic: 'bench', partitions: 1_000, groups: 100 };
const runs = Number(process.argv[2] ?? 5);
const { signal } = new AbortController();
const broker = await startKafka();
const folder = await mkdtemp(join(tmpdir(), 'mqctl-bench-'));
try {
  await fill();
  const address = broker.address;
  const program = join(import.meta.dirname, '..', 'bin', 'run.js');
  const mqctl = () => timed(process.execPath, [program, 'lag', '-c', `kafka://${address}`]);
  const classPath = join(await kafkaLibraries(), '*');
  const tool = 'org.apache.kafka.tools.consumer.group.ConsumerGroupCommand';
  const own = () =>
    timed('java', ['-cp', classPath, tool, '--bootstrap-server', address, '--describe', '--all-groups']);
  const times: { mqctl: number[]; own: number[] } = { mqctl: [], own: [] };
  for (let run = 0; run < runs; run++) {
    times.own.push(await own());
    times.mqctl.push(await mqctl());
  }
  const [ours, theirs] = [median(times.mqctl), median(times.own)];
  console.log(`mqctl lag                            ${ours.toFixed(2)} s`);
  console.log(`kafka-consumer-groups --all-groups   ${theirs.toFixed(2)} s`);
  console.log(`ratio                                ${(ours / theirs).toFixed(2)}`);
  console.log(
    `load ${loadavg()[0]?.toFixed(1) ?? '?'} on ${cpus().length.toString()} cores, Node ${process.version}`,
  );
} finally {
  await broker.stop();
  await rm(folder, { recursive: true });
}

async function fill(): Promise<void> {
  const kafka = new Kafka({ brokers: [broker.address], logLevel: logLevel.NOTHING });
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
  const { session } = await countingSession(plainConnection(broker.address));
  await eventually(() => commitGroups(session, shape, signal).then(() => undefined), 60_000);
  await session.close();
}

/** Seconds from the start of a process to its end, its output read. Throws where it fails. */
async function timed(command: string, words: readonly string[]): Promise<number> {
  const begun = performance.now();
  const child = spawn(command, words, {
    cwd: folder,
    env: cleanEnvironment(folder),
    stdio: ['ignore', 'pipe', 'ignore'],
  });
  let bytes = 0;
  child.stdout.on('data', (chunk: Buffer) => (bytes += chunk.length));
  const code = await new Promise<number | null>((resolve, reject) => {
    child.once('error', reject);
    child.once('close', resolve);
  });
  if (code !== 0 || bytes < 1_000) throw new Error(`${command} ended with ${String(code)}`);
  return (performance.now() - begun) / 1_000;
}

function median(values: readonly number[]): number {
  return values.toSorted((one, other) => one - other)[Math.floor(values.length / 2)] ?? NaN;
}
