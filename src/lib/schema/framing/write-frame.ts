/** Frames for payloads that are written here; the other half of `framing.ts`. */
import type { Header } from '../../message/message.ts';
import { deflateSync } from 'node:zlib';
import { writeMessageIndexes } from './message-indexes.ts';
import type { FramingKind, PayloadPart, SchemaKey } from './framing.ts';

export interface FrameRequest {
  readonly kind: FramingKind;
  readonly key: SchemaKey;
  readonly part: PayloadPart;
  /** Of Protobuf, which alone has them in Confluent's frames. */
  readonly messageIndexes: readonly number[] | null;
}

export interface FramedMessage {
  readonly bytes: Uint8Array;
  /** To be added to the message. */
  readonly headers: readonly Header[];
}

/**
 * As the table in `framing.ts` has it; Glue's is compressed. In a header's frame the payload stays bare. `messageIndexes` go into
 * the frames of Confluent alone. Throws `RangeError` for an id that is too large for its bytes.
 */
export function frame(payload: Uint8Array, { kind, key, part, messageIndexes }: FrameRequest): FramedMessage {
  const raw = (...parts: readonly Uint8Array[]): FramedMessage => ({
    bytes: Buffer.concat(parts),
    headers: [],
  });
  const indexes = messageIndexes === null ? Buffer.alloc(0) : writeMessageIndexes(messageIndexes);
  const header = (name: string, value: Uint8Array): FramedMessage => ({
    bytes: payload,
    headers: [{ name, value }],
  });
  switch (kind) {
    case 'confluent':
      return raw(Buffer.from([0]), int32(key.value), indexes, payload);
    case 'apicurio':
      return raw(Buffer.from([0]), int64(key.value), payload);
    case 'glue':
      return raw(Buffer.from([3, 5]), undashed(key.value), deflateSync(payload));
    case 'avro-single-object':
      return raw(Buffer.from([0xc3, 0x01]), Buffer.from(key.value, 'hex').reverse(), payload);
    case 'confluent-header':
      return header(
        `__${part}_schema_id`,
        key.by === 'id'
          ? Buffer.concat([Buffer.from([0]), int32(key.value), indexes])
          : Buffer.concat([Buffer.from([1]), undashed(key.value), indexes]),
      );
    case 'apicurio-header':
      return header(
        `apicurio.${part}.${key.by === 'content-id' ? 'contentId' : 'globalId'}`,
        int64(key.value),
      );
  }
}

/** Every header of a part that a reader would take for its frame's. */
export const frameHeaders: Readonly<Record<PayloadPart, readonly string[]>> = {
  key: headersOf('key'),
  value: headersOf('value'),
};

function headersOf(part: PayloadPart): readonly string[] {
  return [`__${part}_schema_id`, `apicurio.${part}.contentId`, `apicurio.${part}.globalId`];
}

function int32(digits: string): Buffer {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(Number(digits));
  return bytes;
}

function int64(digits: string): Buffer {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64BE(BigInt(digits));
  return bytes;
}

function undashed(text: string): Buffer {
  return Buffer.from(text.replaceAll('-', ''), 'hex');
}
