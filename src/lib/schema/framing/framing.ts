/**
 * How a schema's id travels with a payload. Bytes alone cannot always say which framing they are in, so all that fit are
 * given, the surest first; whoever knows the registry tries them until one decodes and leaves nothing over.
 *
 * | kind                 | on the wire                                                                  |
 * |----------------------|------------------------------------------------------------------------------|
 * | `confluent`          | `00`, id as 4 bytes big-endian, for Protobuf message indexes; Apicurio 3 too   |
 * | `confluent-header`   | header `__value_schema_id` / `__key_schema_id`: `01`, GUID of 16 bytes, or `00`, |
 * |                      | id of 4 bytes; for Protobuf message indexes; the payload is bare              |
 * | `apicurio`           | `00`, global id as 8 bytes big-endian (Apicurio 2)                            |
 * | `apicurio-header`    | header `apicurio.value.globalId` or `.contentId`, 8 bytes big-endian          |
 * | `glue`               | `03`, `00` or `05` (zlib), UUID of 16 bytes                                   |
 * | `avro-single-object` | `C3 01`, CRC-64-AVRO of the schema as 8 bytes little-endian                   |
 */
import type { Header } from '../../message/message.ts';

export type FramingKind =
  'confluent' | 'confluent-header' | 'apicurio' | 'apicurio-header' | 'glue' | 'avro-single-object';

/** What a registry is asked for. Ids are decimal digits, GUIDs and UUIDs have their dashes, fingerprints are hex. */
export interface SchemaKey {
  readonly by: 'id' | 'guid' | 'content-id' | 'global-id' | 'glue-version' | 'avro-fingerprint';
  readonly value: string;
}

/** `certain`: nothing else looks like it. `likely`: the first byte fits, and so may other things. */
export type Sureness = 'certain' | 'likely';

export interface Framed {
  readonly kind: FramingKind;
  readonly sureness: Sureness;
  readonly schema: SchemaKey;
  /** As it is after the frame; still compressed where `compressed`. */
  readonly payload: Uint8Array;
  readonly compressed: boolean;
  /** Protobuf's message indexes where the header holds them; null where they begin the payload. */
  readonly messageIndexes: Uint8Array | null;
}

/** Which of the two payloads of a message it is: headers differ. */
export type PayloadPart = 'key' | 'value';

/** All framings that fit, the surest first. Empty: it is not framed. */
export function framingsOf(
  bytes: Uint8Array,
  headers: readonly Header[],
  part: PayloadPart,
): readonly Framed[] {
  return [...framings(bytes, headers, part)];
}

/** The same one after the other: mostly the first one is right, and the others need not be made. */
export function* framings(
  bytes: Uint8Array,
  headers: readonly Header[],
  part: PayloadPart,
): Generator<Framed> {
  if (headers.length > 0) yield* byHeader(bytes, headers, part);
  const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const inBytes = { compressed: false, messageIndexes: null } as const;
  const { length, 0: first, 1: second } = buffer;
  if (first === 0xc3 && second === 0x01 && length >= 10)
    yield {
      kind: 'avro-single-object',
      sureness: 'certain',
      schema: {
        by: 'avro-fingerprint',
        value: Buffer.from(buffer.subarray(2, 10)).reverse().toString('hex'),
      },
      payload: buffer.subarray(10),
      ...inBytes,
    };
  if (first === 0x03 && (second === 0x00 || second === 0x05) && length >= 18)
    yield {
      kind: 'glue',
      sureness: 'certain',
      schema: { by: 'glue-version', value: dashed(buffer.subarray(2, 18)) },
      payload: buffer.subarray(18),
      ...inBytes,
      compressed: second === 0x05,
    };
  if (first === 0x00 && length >= 5)
    yield {
      kind: 'confluent',
      sureness: 'likely',
      schema: { by: 'id', value: buffer.readInt32BE(1).toString() },
      payload: buffer.subarray(5),
      ...inBytes,
    };
  // Ids that small in eight bytes are far likelier than an id 0 with four bytes of data that are all zero.
  if (first === 0x00 && length >= 9)
    yield {
      kind: 'apicurio',
      sureness: 'likely',
      schema: { by: 'global-id', value: buffer.readBigInt64BE(1).toString() },
      payload: buffer.subarray(9),
      ...inBytes,
    };
}

function* byHeader(bytes: Uint8Array, headers: readonly Header[], part: PayloadPart): Generator<Framed> {
  const value = (name: string): Buffer | null => {
    const header = headers.find((candidate) => candidate.name === name);
    return header?.value instanceof Uint8Array ? Buffer.from(header.value) : null;
  };
  const framed = {
    sureness: 'certain',
    payload: bytes,
    compressed: false,
    messageIndexes: null,
  } as const;
  const confluent = value(`__${part}_schema_id`);
  if (confluent !== null && confluent[0] === 0x01 && confluent.length >= 17)
    yield {
      ...framed,
      kind: 'confluent-header',
      schema: { by: 'guid', value: dashed(confluent.subarray(1, 17)) },
      messageIndexes: confluent.subarray(17),
    };
  if (confluent !== null && confluent[0] === 0x00 && confluent.length >= 5)
    yield {
      ...framed,
      kind: 'confluent-header',
      schema: { by: 'id', value: confluent.readInt32BE(1).toString() },
      messageIndexes: confluent.subarray(5),
    };
  const content = value(`apicurio.${part}.contentId`);
  if (content?.length === 8)
    yield {
      ...framed,
      kind: 'apicurio-header',
      schema: { by: 'content-id', value: content.readBigInt64BE().toString() },
    };
  const global = value(`apicurio.${part}.globalId`);
  if (global?.length === 8)
    yield {
      ...framed,
      kind: 'apicurio-header',
      schema: { by: 'global-id', value: global.readBigInt64BE().toString() },
    };
}

function dashed(bytes: Uint8Array): string {
  return Buffer.from(bytes)
    .toString('hex')
    .replace(/^(.{8})(.{4})(.{4})(.{4})(.{12})$/, '$1-$2-$3-$4-$5');
}
