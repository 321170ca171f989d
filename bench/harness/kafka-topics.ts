import { open } from '../../src/lib/drivers/kafka/index.ts';
import type { Driver } from '../../src/lib/drivers/driver.ts';
import { startKafka } from '../../test/brokers/kafka.ts';
import { plainConnection } from '../../test/contract/kafka/kafka-session.ts';
import type { Bench } from './bench.ts';

export interface KafkaPlace {
  /** `host:port` */
  readonly address: string;
  readonly folder: string;
  /** A topic of one partition. */
  readonly create: (topic: string) => Promise<void>;
  readonly countOf: (topic: string) => Promise<number>;
  /** Throws where a topic does not hold so many messages. */
  readonly requireCount: (topic: string, count: number) => Promise<void>;
  readonly remove: (topic: string) => Promise<void>;
}

/** A broker, a folder, and what a bench does with topics beside measuring. */
export async function kafkaPlace(bench: Bench): Promise<KafkaPlace> {
  const folder = await bench.folder();
  const { address } = await bench.broker(() => startKafka());
  const { signal } = bench;
  const environment = { log: () => undefined, timeoutMs: 60_000, signal, stateFolder: folder };
  const driver = await bench.own<Driver>(
    () => open(plainConnection(address), environment),
    (opened) => opened.close(),
  );
  const countOf = async (topic: string): Promise<number> =>
    (await driver.look?.appraise(topic, signal))?.waiting ?? 0;
  return {
    address,
    folder,
    create: async (channel) =>
      driver.admin?.create({ channel, type: null, partitions: 1, settings: {}, deadLetter: null }, signal),
    countOf,
    requireCount: async (topic, count) => {
      const there = await countOf(topic);
      if (there !== count) throw new Error(`${topic} holds ${there.toString()}, not ${count.toString()}`);
    },
    remove: async (topic) => driver.admin?.delete(topic, signal),
  };
}
