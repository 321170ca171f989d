/** Field tables as values and as bytes, made independently of the codec. */
import fc from 'fast-check';
import type { Header, HeaderValue } from '../../../../src/lib/message/message.ts';

const buffer = (maxLength: number) => fc.uint8Array({ maxLength }).map((bytes) => Buffer.from(bytes));
const bytes = fc.oneof(
  buffer(20),
  fc.string({ unit: 'binary', maxLength: 20 }).map((text) => Buffer.from(text)),
);
const integer = (type: string, min: bigint, max: bigint) =>
  fc.bigInt({ min, max }).map((value) => ({ type, value: String(value) }));
const float = fc.float({ noNaN: true }).map((value) => ({ type: 'float', value: shortest(value) }));

function shortest(value: number): string {
  if (Object.is(value, -0)) return '-0';
  for (let digits = 6; digits < 9; digits++) {
    const text = Number(value.toPrecision(digits));
    if (Object.is(Math.fround(text), value)) return String(text);
  }
  return String(value);
}

const scalar: fc.Arbitrary<HeaderValue> = fc.oneof(
  bytes,
  fc.boolean().map((value) => ({ type: 'boolean', value: String(value) })),
  integer('int8', -128n, 127n),
  integer('uint8', 0n, 255n),
  integer('int16', -32768n, 32767n),
  integer('uint16', 0n, 65535n),
  integer('int32', -(2n ** 31n), 2n ** 31n - 1n),
  integer('uint32', 0n, 2n ** 32n - 1n),
  integer('int64', -(2n ** 63n), 2n ** 63n - 1n),
  integer('timestamp', 0n, 2n ** 64n - 1n),
  float,
  fc
    .double({ noNaN: true })
    .map((value) => ({ type: 'double', value: Object.is(value, -0) ? '-0' : String(value) })),
  fc
    .constantFrom('NaN', 'NaN:7ff8000000000001', 'NaN:fff0000000000001')
    .map((value) => ({ type: 'double', value })),
  fc
    .tuple(fc.nat({ max: 0xffff_ffff }), fc.nat({ max: 12 }))
    .map(([digits, scale]) => ({ type: 'decimal', value: decimal(digits, scale) })),
  fc.constant(null),
  bytes.map((value) => ({ type: 'bytes', value })),
);

function decimal(digits: number, scale: number): string {
  const text = String(digits).padStart(scale + 1, '0');
  return scale === 0 ? text : `${text.slice(0, -scale)}.${text.slice(-scale)}`;
}

const { value, entry } = fc.letrec<{ value: HeaderValue; entry: Header }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 5, depthSize: 'small' },
    scalar,
    fc.array(tie('value'), { maxLength: 4 }).map((items) => ({ type: 'array', value: items })),
    fc.array(tie('entry'), { maxLength: 4 }).map((entries) => ({ type: 'table', value: entries })),
  ),
  entry: fc.oneof(
    fc
      .tuple(fc.string({ unit: 'binary', maxLength: 20 }), tie('value'))
      .map(([name, inner]) => ({ name, value: inner })),
    fc.tuple(buffer(8), tie('value')).map(([rest, inner]) => {
      const rawName = Buffer.from([0x78, 0xff, ...rest]);
      return { name: rawName.toString('utf8'), value: inner, rawName };
    }),
  ),
}));

/** Values as the decoder gives them. */
export const anyValue: fc.Arbitrary<HeaderValue> = value;
export const anyTable: fc.Arbitrary<readonly Header[]> = fc.array(entry, { maxLength: 6 });

const withLength = (content: Buffer): Buffer => {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(content.length);
  return Buffer.concat([length, content]);
};
const tagged = (tag: string, content: fc.Arbitrary<Buffer>) =>
  content.map((rest) => Buffer.concat([Buffer.from(tag), rest]));
const fixed = (size: number) =>
  fc.uint8Array({ minLength: size, maxLength: size }).map((octets) => Buffer.from(octets));

const raw = fc.letrec<{ value: Buffer; entry: Buffer }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 5, depthSize: 'small' },
    fc.oneof(
      ...['t', 'b', 'B'].map((tag) => tagged(tag, fixed(1))),
      ...['s', 'u'].map((tag) => tagged(tag, fixed(2))),
      ...['I', 'i', 'f'].map((tag) => tagged(tag, fixed(4))),
      ...['l', 'd', 'T'].map((tag) => tagged(tag, fixed(8))),
      tagged('D', fixed(5)),
      tagged('V', fc.constant(Buffer.alloc(0))),
      tagged(
        'f',
        fc.constantFrom('7f800001', 'ffffffff', '7fc00000', '00000001').map((hex) => Buffer.from(hex, 'hex')),
      ),
      tagged(
        'd',
        fc
          .constantFrom('7ff0000000000001', 'ffffffffffffffff', '0000000000000001')
          .map((hex) => Buffer.from(hex, 'hex')),
      ),
      ...['S', 'x'].map((tag) => tagged(tag, buffer(20).map(withLength))),
    ),
    tagged(
      'A',
      fc.array(tie('value'), { maxLength: 4 }).map((items) => withLength(Buffer.concat(items))),
    ),
    tagged(
      'F',
      fc.array(tie('entry'), { maxLength: 4 }).map((items) => withLength(Buffer.concat(items))),
    ),
  ),
  entry: fc
    .tuple(fc.oneof(buffer(8), fc.constant(Buffer.alloc(255, 0x6e))), tie('value'))
    .map(([name, content]) => Buffer.concat([Buffer.from([name.length]), name, content])),
}));

/** The entries of a table as they stand on the wire, without the length before them. */
export const tableBytes: fc.Arbitrary<Buffer> = fc
  .array(raw.entry, { maxLength: 6 })
  .map((entries) => Buffer.concat(entries));
