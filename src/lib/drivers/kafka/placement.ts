/** Which partition of a topic a message goes to, and the record that it becomes. */
import { errorText } from '../../errors.ts';
import type { OutgoingMessage } from '../../message/message.ts';
import type { OutboxItem } from './partition-outbox.ts';
import { Partitioner } from './partitioner.ts';
import type { Compression } from './protocol/compression.ts';
import type { TopicMetadata } from './protocol/metadata.ts';
import { encodable, recordBytes } from './protocol/record-encoder.ts';

/** What a broker takes in one request by default is 100 MiB; one message with all around it must stay below. */
const largestRequestBytes = 100 * 1024 * 1024 - 1024;
const namesKept = 1_000;

export interface Place {
  readonly partition: number;
  readonly record: OutboxItem['record'];
  readonly bytes: number;
}

export class Placement {
  readonly #topic: string;
  /** The largest record, in bytes. */
  readonly #largest: number;
  readonly #partitioner = new Partitioner();
  readonly #names = new Map<string, Buffer>();
  readonly #partitions: readonly number[];
  #available: readonly number[] = [];

  /** `maxBatchBytes` is the topic's `max.message.bytes`: of what is compressed, nobody knows the size beforehand. */
  constructor(options: {
    readonly topic: TopicMetadata;
    readonly compression: Compression;
    readonly maxBatchBytes: number;
  }) {
    const { topic, compression, maxBatchBytes } = options;
    this.#topic = topic.topic;
    this.#largest = compression === 'none' ? maxBatchBytes : largestRequestBytes;
    this.#partitions = topic.partitions.map(({ partition }) => partition).sort((one, other) => one - other);
    this.learn(topic);
  }

  /** A message without a key goes where there is a leader. */
  learn(topic: TopicMetadata): void {
    this.#available = topic.partitions.filter(({ leader }) => leader >= 0).map(({ partition }) => partition);
  }

  /** The place, or why there is none. */
  of(message: OutgoingMessage): Place | string {
    let record: OutboxItem['record'];
    try {
      record = encodable(message, (name) => this.#nameBytes(name));
    } catch (thrown) {
      return errorText(thrown);
    }
    const bytes = recordBytes(record);
    if (bytes > this.#largest)
      return `it is larger than the topic "${this.#topic}" takes: ${String(bytes)} of ${String(this.#largest)} bytes (max.message.bytes)`;
    if (message.partition === null) {
      const partition = this.#partitioner.choose(message.key, bytes, this.#partitions, this.#available);
      return { partition, record, bytes };
    }
    const partition = this.#partitions.find((each) => String(each) === message.partition);
    return partition === undefined
      ? `topic "${this.#topic}" has no partition "${message.partition}"`
      : { partition, record, bytes };
  }

  /** Names repeat from message to message. */
  #nameBytes(name: string): Buffer {
    let bytes = this.#names.get(name);
    if (bytes === undefined) {
      bytes = Buffer.from(name);
      if (this.#names.size < namesKept) this.#names.set(name, bytes);
    }
    return bytes;
  }
}
