import avsc from 'avsc';

type Definition = Parameters<typeof avsc.Type.forSchema>[0];

const bigLong = avsc.types.LongType.__with({
  fromBuffer: (bytes: Buffer) => bytes.readBigInt64LE(),
  toBuffer: (value: bigint) => {
    const bytes = Buffer.alloc(8);
    bytes.writeBigInt64LE(value);
    return bytes;
  },
  fromJSON: BigInt,
  toJSON: String,
  isValid: (value: unknown) => typeof value === 'bigint',
  compare: (one: bigint, other: bigint) => (one < other ? -1 : one > other ? 1 : 0),
});

/** What avsc says, set up by its own manual and by nothing of ours. Throws where the writer's own schema cannot read it. */
export function judgeByAvsc(reader: unknown, writer: unknown, payload: Uint8Array): 'read' | 'refused' {
  const bytes = Buffer.from(payload);
  const options = { wrapUnions: true, registry: {} };
  const writerType = avsc.Type.forSchema(definition(writer), { ...options, registry: { long: bigLong } });
  writerType.fromBuffer(bytes);
  try {
    const readerType = avsc.Type.forSchema(definition(reader), { ...options, registry: { long: bigLong } });
    readerType.fromBuffer(bytes, readerType.createResolver(writerType, { ignoreNamespaces: true }));
    return 'read';
  } catch {
    return 'refused';
  }
}

/** A value as avsc reads it: unions in `{"branch": value}`, longs as bigint, bytes as such. */
export function readByAvsc(schema: unknown, payload: Uint8Array): unknown {
  const type = avsc.Type.forSchema(definition(schema), { wrapUnions: true, registry: { long: bigLong } });
  const value: unknown = type.fromBuffer(Buffer.from(payload));
  return value;
}

function definition(schema: unknown): Definition {
  const copy: unknown = structuredClone(schema);
  if (isDefinition(copy)) return copy;
  throw new TypeError('no schema');
}

function isDefinition(schema: unknown): schema is Definition {
  return typeof schema === 'string' || (typeof schema === 'object' && schema !== null);
}
