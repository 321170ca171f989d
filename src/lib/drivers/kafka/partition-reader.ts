import { FailedError } from '../../errors.ts';
import type { Header, Message, Properties } from '../../message/message.ts';
import { loadCodec } from './protocol/compression.ts';
import type { Codec, Compression } from './protocol/compression.ts';
import type { FetchedPartition } from './protocol/fetch.ts';
import { MalformedError } from './protocol/primitives.ts';
import { recordBatches } from './protocol/record-batch.ts';
import type { RecordBatch } from './protocol/record-batch.ts';
import { decodeRecords } from './protocol/record-decoder.ts';
import { TransactionFilter } from './protocol/transaction-filter.ts';

const noProperties: Properties = {};
const unknownDelivery = { count: null, redelivered: null } as const;
/** The largest time that a JavaScript date has. */
const latestTime = 8.64e15;

/** What an answer holds of one partition: where to read on, and its messages, decoded when they are wanted. */
export interface ReadPart {
  /** The next offset to ask for. */
  readonly next: number;
  /** In parts of bounded size: a compressed answer may grow a hundredfold. */
  messages(): AsyncGenerator<Message[]>;
}

/** Decompressed bytes after which messages are handed on: with more, a million small ones took twice the memory and time. */
const partBytes = 128 * 1024;

/**
 * Reads one partition's part of a Fetch answer: batches are checked at once, so that the next request can go out
 * while records are decoded. What lies before `from` or from `until` on is left out. Throws `FailedError` that names the place.
 */
export function readPart(
  topic: string,
  fetched: FetchedPartition,
  request: { readonly from: number; readonly until: number; readonly committedOnly: boolean },
): ReadPart {
  const { partition } = fetched;
  const { from, until } = request;
  const batches: RecordBatch[] = [];
  let next = from;
  at(topic, partition, from, () => {
    const filter = new TransactionFilter(request.committedOnly ? fetched.aborted : []);
    for (const batch of recordBatches(fetched.records)) {
      next = Math.max(next, batch.lastOffset + 1);
      if (filter.sees(batch) && batch.lastOffset >= from && batch.baseOffset < until) batches.push(batch);
    }
  });
  return {
    next,
    async *messages() {
      const codecs = await codecsOf(batches);
      let part: Message[] = [];
      let bytes = 0;
      for (const batch of batches) {
        const read = at(topic, partition, batch.baseOffset, () =>
          messagesOf(topic, String(partition), batch, codecs.get(batch.compression) ?? null, from, until),
        );
        part = part.length === 0 ? read.messages : part.concat(read.messages);
        bytes += read.bytes;
        if (bytes < partBytes) continue;
        if (part.length > 0) yield part;
        part = [];
        bytes = 0;
      }
      if (part.length > 0) yield part;
    },
  };
}

async function codecsOf(batches: readonly RecordBatch[]): Promise<ReadonlyMap<Compression, Codec | null>> {
  const names = new Set(batches.map(({ compression }) => compression));
  const codecs = new Map<Compression, Codec | null>();
  for (const name of names) codecs.set(name, await loadCodec(name));
  return codecs;
}

function messagesOf(
  channel: string,
  partition: string,
  batch: RecordBatch,
  codec: Codec | null,
  from: number,
  until: number,
): { readonly messages: Message[]; readonly bytes: number } {
  const bytes = codec === null ? batch.records : codec.decompress(batch.records);
  const timestampType = batch.appendTime ? 'append' : 'create';
  const appendedAt = batch.appendTime ? batch.maxTimestamp : null;
  const messages = decodeRecords(
    bytes,
    batch,
    from,
    until,
    (offset, createdAt, key, value, headers: readonly Header[]): Message => {
      const timestamp = appendedAt ?? createdAt;
      const known = timestamp >= 0 && timestamp <= latestTime;
      return {
        channel,
        partition,
        offset: String(offset),
        id: null,
        key,
        value,
        headers,
        properties: noProperties,
        timestamp: known ? timestamp : null,
        timestampType: known ? timestampType : null,
        delivery: unknownDelivery,
        deadLetter: null,
      };
    },
  );
  return { messages, bytes: bytes.length };
}

function at<Result>(topic: string, partition: number, offset: number, work: () => Result): Result {
  try {
    return work();
  } catch (thrown) {
    if (!(thrown instanceof MalformedError)) throw thrown;
    throw new FailedError(
      `cannot read topic "${topic}", partition ${String(partition)}, from offset ${String(offset)}: ${thrown.message}`,
      { hint: `read on behind it with --from ${String(partition)}:OFFSET`, cause: thrown },
    );
  }
}
