import { execFile, spawn } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { kafkaLibraries } from './kafka-libraries.ts';

/** Java's console consumers: the only clients here with the KIP-848 and the share group protocol. */
const consumers = {
  consumer: {
    main: 'org.apache.kafka.tools.consumer.ConsoleConsumer',
    options: ['--command-property', 'group.protocol=consumer', '--from-beginning'],
  },
  share: { main: 'org.apache.kafka.tools.consumer.ConsoleShareConsumer', options: [] },
} as const;

const small = ['-Xmx96m', '-XX:+UseSerialGC', '-XX:TieredStopAtLevel=1', '-XX:-UsePerfData'];

/** `kafka-consumer-groups` to its end; what it prints. Warnings of its logger go elsewhere. */
export async function consumerGroups(address: string, words: readonly string[]): Promise<string> {
  const { stdout } = await promisify(execFile)(
    'java',
    [
      ...small,
      ...[
        '-cp',
        join(await kafkaLibraries(), '*'),
        'org.apache.kafka.tools.consumer.group.ConsumerGroupCommand',
      ],
      ...['--bootstrap-server', address, ...words],
    ],
    { timeout: 120_000 },
  );
  return stdout;
}

export interface ConsoleConsumer {
  readonly pid: number;
  /** Leaves the group in order. */
  stop(): Promise<void>;
}

/** Starts a live member of a group; it may take seconds to join. */
export async function startConsoleConsumer(
  kind: keyof typeof consumers,
  address: string,
  group: string,
  topic: string,
): Promise<ConsoleConsumer> {
  const { main, options } = consumers[kind];
  const child = spawn(
    'java',
    [
      ...small,
      ...['-cp', join(await kafkaLibraries(), '*'), main],
      ...['--bootstrap-server', address, '--group', group, '--topic', topic, ...options],
    ],
    { stdio: 'ignore', detached: true },
  );
  const ended = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const killWithParent = () => child.kill('SIGKILL');
  process.once('exit', killWithParent);
  if (child.pid === undefined) throw new Error('java did not start');
  return {
    pid: child.pid,
    async stop() {
      process.removeListener('exit', killWithParent);
      child.kill('SIGTERM');
      const patience = setTimeout(() => child.kill('SIGKILL'), 10_000);
      await ended;
      clearTimeout(patience);
    },
  };
}
