/**
 * The frames that carry messages, on bytes (specification, 2.3.5 "Frame Details" and 4.2.6 "Content Framing"): a method,
 * a header with the properties, and as many body frames as the negotiated size needs.
 */
import { UsageError } from '../../errors.ts';
import type { OutgoingMessage, Properties, PropertyValue } from '../../message/message.ts';
import { encodeProperties, textOf, writeShortText } from './basic-properties.ts';
import type { ByteWriter } from './byte-writer.ts';

export const frameType = { method: 1, header: 2, body: 3 } as const;

/** Type, channel and size before the payload, one octet after it. */
export const frameHeadBytes = 7;
export const frameOverhead = 8;
export const frameEnd = 0xce;

const basicClass = 60;

/** Class and method as one number. */
export const method = {
  connectionClose: (10 << 16) | 50,
  publish: (basicClass << 16) | 40,
  return: (basicClass << 16) | 50,
  deliver: (basicClass << 16) | 60,
  getOk: (basicClass << 16) | 71,
} as const;

/** Text where it is valid UTF-8, else its bytes: the broker takes any. */
export type ShortText = string | Uint8Array;

export interface DeliveryFields {
  readonly consumerTag: ShortText;
  readonly deliveryTag: number;
  readonly redelivered: boolean;
  readonly exchange: ShortText;
  readonly routingKey: ShortText;
}

export interface ReturnFields {
  readonly replyCode: number;
  readonly replyText: ShortText;
  readonly exchange: ShortText;
  readonly routingKey: ShortText;
}

/** Arguments of a method, after class and method. Reading beyond them throws `RangeError`. */
class Arguments {
  readonly #bytes: Buffer;
  #at = 0;

  constructor(bytes: Buffer) {
    this.#bytes = bytes;
  }

  short(): number {
    const value = this.#bytes.readUInt16BE(this.#at);
    this.#at += 2;
    return value;
  }

  /** A delivery tag: counted from 1 on each channel, so never beyond 2^53. */
  longLong(): number {
    const value = this.#bytes.readUInt32BE(this.#at) * 0x1_0000_0000 + this.#bytes.readUInt32BE(this.#at + 4);
    this.#at += 8;
    return value;
  }

  bit(): boolean {
    return (this.#bytes.readUInt8(this.#at++) & 1) === 1;
  }

  text(): ShortText {
    const length = this.#bytes.readUInt8(this.#at++);
    if (this.#at + length > this.#bytes.length) throw new RangeError('a method ends in the middle of a text');
    const from = this.#at;
    this.#at += length;
    return textOf(this.#bytes.subarray(from, this.#at));
  }
}

/** Arguments of `basic.deliver`. */
export function decodeDeliver(bytes: Buffer): DeliveryFields {
  const reader = new Arguments(bytes);
  return {
    consumerTag: reader.text(),
    deliveryTag: reader.longLong(),
    redelivered: reader.bit(),
    exchange: reader.text(),
    routingKey: reader.text(),
  };
}

/** Arguments of `basic.get-ok`; how many are left is not read. */
export function decodeGetOk(bytes: Buffer): DeliveryFields {
  const reader = new Arguments(bytes);
  return {
    consumerTag: '',
    deliveryTag: reader.longLong(),
    redelivered: reader.bit(),
    exchange: reader.text(),
    routingKey: reader.text(),
  };
}

/** Arguments of `basic.return`. */
export function decodeReturn(bytes: Buffer): ReturnFields {
  const reader = new Arguments(bytes);
  return {
    replyCode: reader.short(),
    replyText: reader.text(),
    exchange: reader.text(),
    routingKey: reader.text(),
  };
}

export interface Publication {
  readonly exchange: ShortText;
  readonly routingKey: PropertyValue;
  /** Come back rather than vanish where no queue gets it. */
  readonly mandatory: boolean;
  readonly message: OutgoingMessage;
  readonly defaults: Properties;
}

const noBytes = Buffer.alloc(0);
/** The method and the header beside those of the body, and how much they usually take. */
const fewFrames = 2;
const usualHead = 1024;

/**
 * All frames of one `basic.publish`. `frameMax` is the negotiated size of a frame. Throws `UsageError` for what cannot be
 * sent; what was written of it until then has to be cut off by the caller.
 */
export function writePublish(
  writer: ByteWriter,
  channel: number,
  frameMax: number,
  publication: Publication,
): void {
  const { message } = publication;
  const body = message.value ?? noBytes;
  const most = frameMax - frameOverhead;
  writer.reserve(body.length + (Math.ceil(body.length / most) + fewFrames) * frameOverhead + usualHead);

  let start = beginFrame(writer, frameType.method, channel);
  writer.uint32(method.publish);
  writer.uint16(0); // reserved
  writeShortText(writer, 'exchange', publication.exchange);
  writeShortText(writer, 'property routingKey', publication.routingKey);
  writer.uint8(publication.mandatory ? 1 : 0);
  endFrame(writer, start);

  start = beginFrame(writer, frameType.header, channel);
  writer.uint16(basicClass);
  writer.uint16(0); // weight, unused
  writer.uint32(Math.floor(body.length / 0x1_0000_0000));
  writer.uint32(body.length % 0x1_0000_0000);
  encodeProperties(writer, message, publication.defaults);
  endFrame(writer, start);
  const headerBytes = writer.length - start;
  // Only a body can be divided into frames; a larger header would make the broker close the connection.
  if (headerBytes > frameMax)
    throw new UsageError(`headers and properties take ${String(headerBytes)} bytes`, {
      hint: `the broker takes frames of at most ${String(frameMax)} bytes (frame_max)`,
    });

  for (let from = 0; from < body.length; from += most) {
    start = beginFrame(writer, frameType.body, channel);
    writer.bytes(from === 0 && body.length <= most ? body : body.subarray(from, from + most));
    endFrame(writer, start);
  }
}

/** Where the frame begins. */
function beginFrame(writer: ByteWriter, type: number, channel: number): number {
  const start = writer.length;
  writer.uint8(type);
  writer.uint16(channel);
  writer.uint32(0);
  return start;
}

function endFrame(writer: ByteWriter, start: number): void {
  writer.setUint32(start + 3, writer.length - start - frameHeadBytes);
  writer.uint8(frameEnd);
}
