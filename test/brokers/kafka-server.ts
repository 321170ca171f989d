import { execFile } from 'node:child_process';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { kafkaLibraries } from './kafka-libraries.ts';
import { ServerProcess } from './server-process.ts';

const run = promisify(execFile);

/** Small and quick to start: a test server lives for minutes. */
export const javaFlags = [
  '-Xms256m',
  '-Xmx256m',
  '-XX:+UseSerialGC',
  '-XX:TieredStopAtLevel=1',
  '-XX:-UsePerfData',
  '-Djava.awt.headless=true',
];

/** For one broker: every internal topic with one replica, nothing created by accident, no waiting for a second member. */
const singleNode = {
  'process.roles': 'broker,controller',
  'node.id': '1',
  'controller.listener.names': 'CONTROLLER',
  'num.partitions': '1',
  'num.network.threads': '2',
  'num.io.threads': '2',
  'offsets.topic.replication.factor': '1',
  'offsets.topic.num.partitions': '1',
  'transaction.state.log.replication.factor': '1',
  'transaction.state.log.min.isr': '1',
  'transaction.state.log.num.partitions': '1',
  'share.coordinator.state.topic.replication.factor': '1',
  'share.coordinator.state.topic.min.isr': '1',
  'share.coordinator.state.topic.num.partitions': '1',
  'group.initial.rebalance.delay.ms': '0',
  'log.cleaner.dedupe.buffer.size': '2097152',
  // After a SIGKILL the node may come back only when its old session has ended.
  'broker.session.timeout.ms': '3000',
  'broker.heartbeat.interval.ms': '500',
  'auto.create.topics.enable': 'false',
} as const;

const logging = `Configuration:
  Appenders:
    Console:
      name: STDOUT
      PatternLayout: { pattern: "[%d] %p %m (%c)%n" }
  Loggers:
    Root: { level: INFO, AppenderRef: { ref: STDOUT } }
`;

export interface KafkaServer {
  readonly folder: string;
  readonly pid: number;
  readonly stop: () => Promise<void>;
  readonly kill: () => Promise<void>;
  readonly restart: () => Promise<void>;
}

export interface KafkaServerOptions {
  /** Beside those of a single node: listeners and what differs. */
  readonly properties: (folder: string) => Readonly<Record<string, string>>;
  /** Added to the formatting of the storage: `--add-scram …`. */
  readonly format?: readonly string[];
  /** Makes files that the properties name. */
  readonly prepare?: (folder: string) => Promise<void>;
}

/** Formats a temporary data folder and starts one KRaft node in it, broker and controller in one. */
export async function startKafkaServer(options: KafkaServerOptions): Promise<KafkaServer> {
  const libraries = await kafkaLibraries();
  const folder = await mkdtemp(join(tmpdir(), 'mqctl-kafka-'));
  const configuration = join(folder, 'server.properties');
  const java = [
    ...javaFlags,
    `-Dlog4j2.configurationFile=${join(folder, 'log4j2.yaml')}`,
    '-cp',
    join(libraries, '*'),
  ];
  const server = new ServerProcess({
    name: 'kafka',
    command: 'java',
    arguments: [...java, 'kafka.Kafka', configuration],
    logFile: join(folder, 'server.log'),
    ready: (output) => output.includes('Kafka Server started'),
    readyWithinMs: 120_000,
  });
  const stop = async () => {
    await server.end('SIGTERM');
    await rm(folder, { recursive: true, force: true });
  };
  try {
    await options.prepare?.(folder);
    await writeFile(join(folder, 'log4j2.yaml'), logging);
    const properties = { ...singleNode, 'log.dirs': join(folder, 'data'), ...options.properties(folder) };
    await writeFile(configuration, toProperties(properties));
    await run(
      'java',
      [
        ...java,
        'kafka.tools.StorageTool',
        'format',
        ...['-t', 'MkU3OEVBNTcwNTJENDM2Qk', '-c', configuration],
        ...(options.format ?? []),
      ],
      { timeout: 120_000 },
    );
    await server.start();
  } catch (error) {
    await stop();
    throw error;
  }
  return {
    folder,
    get pid() {
      return server.pid;
    },
    stop,
    kill: () => server.end('SIGKILL'),
    restart: async () => {
      await server.end('SIGTERM');
      await server.start();
    },
  };
}

function toProperties(properties: Readonly<Record<string, string>>): string {
  return Object.entries(properties)
    .map(([name, value]) => `${name}=${value}\n`)
    .join('');
}
