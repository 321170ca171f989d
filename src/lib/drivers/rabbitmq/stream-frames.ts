/**
 * Frames of RabbitMQ's stream protocol, as far as stored offsets need them ("RabbitMQ Streams Protocol Reference",
 * `deps/rabbitmq_stream/docs/PROTOCOL.adoc` of the server): big-endian, a uint32 with the size before each.
 */
import { ByteWriter } from './byte-writer.ts';

/** Keys of commands; an answer has the highest bit set. */
export const command = {
  subscribe: 0x0007,
  deliver: 0x0008,
  credit: 0x0009,
  storeOffset: 0x000a,
  queryOffset: 0x000b,
  unsubscribe: 0x000c,
  metadata: 0x000f,
  peerProperties: 0x0011,
  saslHandshake: 0x0012,
  saslAuthenticate: 0x0013,
  tune: 0x0014,
  open: 0x0015,
  close: 0x0016,
  heartbeat: 0x0017,
} as const;

export const answerBit = 0x8000;

/** "Response Codes". */
export const responseCode = {
  ok: 0x01,
  noSuchStream: 0x02,
  streamNotAvailable: 0x06,
  mechanismNotSupported: 0x07,
  authenticationFailed: 0x08,
  loopbackOnly: 0x0b,
  vhostRefused: 0x0c,
  accessRefused: 0x10,
  noOffset: 0x13,
} as const;

const version = 1;
const sizeBytes = 4;
/** What is read of a delivered chunk: the frame's head and the chunk's. The messages behind it are passed over. */
const chunkHeadBytes = 53;
/** Answers to what is asked here are far smaller. */
const longestAnswer = 16 * 1024 * 1024;

/** A whole frame with its size. `correlation` null: a command that is not answered. */
export function frame(
  key: number,
  correlation: number | null,
  content: (writer: ByteWriter) => void = () => undefined,
): Buffer {
  const writer = new ByteWriter(256);
  writer.uint32(0);
  writer.uint16(key);
  writer.uint16(version);
  if (correlation !== null) writer.uint32(correlation);
  content(writer);
  writer.setUint32(0, writer.length - sizeBytes);
  return writer.take();
}

/** In UTF-8, its length in bytes before it, in 16 bits. */
export function writeString(writer: ByteWriter, text: string): void {
  const at = writer.length;
  writer.uint16(0);
  writer.setUint16(at, writer.text(text));
}

/** Their length before them, in 32 bits. */
export function writeBytes(writer: ByteWriter, bytes: Uint8Array): void {
  writer.uint32(bytes.length);
  writer.bytes(bytes);
}

/** Throws `RangeError` where a frame ends too early. */
export class FrameReader {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  uint8(): number {
    return this.#bytes.readUInt8(this.#advance(1));
  }

  uint16(): number {
    return this.#bytes.readUInt16BE(this.#advance(2));
  }

  uint32(): number {
    return this.#bytes.readUInt32BE(this.#advance(4));
  }

  uint64(): bigint {
    return this.#bytes.readBigUInt64BE(this.#advance(8));
  }

  int64(): bigint {
    return this.#bytes.readBigInt64BE(this.#advance(8));
  }

  /** A length of -1 is null: the empty text here. */
  string(): string {
    const length = this.#bytes.readInt16BE(this.#advance(2));
    if (length <= 0) return '';
    const at = this.#advance(length);
    return this.#bytes.toString('utf8', at, at + length);
  }

  /** So many times as the array's length says. */
  array<T>(item: () => T): T[] {
    const length = this.#bytes.readInt32BE(this.#advance(4));
    const items: T[] = [];
    for (let index = 0; index < length; index++) items.push(item());
    return items;
  }

  skip(count: number): void {
    this.#advance(count);
  }

  #advance(count: number): number {
    const at = this.#at;
    if (at + count > this.#bytes.length) throw new RangeError('a frame of the stream protocol ends early');
    this.#at = at + count;
    return at;
  }
}

/** The head of a chunk of messages ("Deliver"). */
export interface ChunkHead {
  readonly subscription: number;
  /** Milliseconds since 1970, by the broker's clock, when the chunk was appended. */
  readonly timestamp: number;
  readonly firstOffset: bigint;
  readonly records: number;
}

/** From behind the version on, up to and with the first offset. Throws `RangeError` where the frame ends too early. */
export function readChunkHead(reader: FrameReader): ChunkHead {
  const subscription = reader.uint8();
  reader.skip(4); // magic, type and the number of entries
  const records = reader.uint32();
  const timestamp = Number(reader.int64());
  reader.skip(8); // epoch
  return { subscription, timestamp, firstOffset: reader.uint64(), records };
}

/** Cuts what arrives into frames, without their size. Of delivered chunks only the head is kept. */
export class FrameSplitter {
  #pending: Buffer = Buffer.alloc(0);
  #passOver = 0;

  /** Throws `RangeError` for a frame that no answer can be. */
  push(bytes: Buffer): Buffer[] {
    const passed = Math.min(this.#passOver, bytes.length);
    this.#passOver -= passed;
    const rest = bytes.subarray(passed);
    if (rest.length > 0)
      this.#pending = this.#pending.length === 0 ? rest : Buffer.concat([this.#pending, rest]);
    const frames: Buffer[] = [];
    for (;;) {
      const next = this.#next();
      if (next === null) return frames;
      frames.push(next);
    }
  }

  #next(): Buffer | null {
    const bytes = this.#pending;
    if (bytes.length < sizeBytes + 2) return null;
    const size = bytes.readUInt32BE(0);
    const delivered = bytes.readUInt16BE(sizeBytes) === command.deliver;
    if (!delivered && size > longestAnswer)
      throw new RangeError(`a frame of ${String(size)} bytes: is this the port of the stream protocol?`);
    const kept = delivered ? Math.min(size, chunkHeadBytes) : size;
    if (bytes.length < sizeBytes + kept) return null;
    const whole = sizeBytes + size;
    this.#passOver = Math.max(0, whole - bytes.length);
    this.#pending = bytes.subarray(Math.min(whole, bytes.length));
    return bytes.subarray(sizeBytes, sizeBytes + kept);
  }
}
