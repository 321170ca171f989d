import fc from 'fast-check';

import type {
  Header,
  HeaderValue,
  Message,
  PropertyValue,
  TypedValue,
} from '../../../src/lib/message/message.ts';

/** A message with nothing set, to vary. */
export const emptyMessage: Message = {
  channel: 'orders',
  partition: null,
  offset: null,
  id: null,
  timestamp: null,
  timestampType: null,
  key: null,
  value: null,
  headers: [],
  properties: {},
  delivery: { count: null, redelivered: null },
  deadLetter: null,
};

const text = fc.string({ unit: 'binary' });
const bytes = fc.oneof(
  fc.uint8Array({ maxLength: 40 }),
  text.map((string) => new Uint8Array(Buffer.from(string))),
);
const optional = <T>(arbitrary: fc.Arbitrary<T>) => fc.option(arbitrary, { nil: null });

const { header, typed } = fc.letrec<{ header: Header; value: HeaderValue; typed: TypedValue }>((tie) => ({
  header: fc.oneof(
    fc.record({ name: text, value: tie('value') }),
    // The second byte makes it invalid whatever follows.
    fc.tuple(fc.uint8Array({ maxLength: 8 }), tie('value')).map(([rest, value]) => {
      const rawName = new Uint8Array([0x78, 0xff, ...rest]);
      return { name: Buffer.from(rawName).toString('utf8'), value, rawName };
    }),
  ),
  value: fc.oneof({ maxDepth: 4 }, fc.constant(null), bytes, tie('typed')),
  typed: fc.oneof(
    { maxDepth: 4 },
    fc.record({ type: fc.constantFrom('int64', 'double', 'timestamp', 'boolean'), value: text }),
    fc.record({ type: fc.constant('void'), value: fc.constant(null) }),
    fc.record({ type: fc.constant('bytes'), value: bytes }),
    fc.record({ type: fc.constant('array'), value: fc.array(tie('value'), { maxLength: 3 }) }),
    fc.record({ type: fc.constant('table'), value: fc.array(tie('header'), { maxLength: 3 }) }),
  ),
}));

const property: fc.Arbitrary<PropertyValue> = fc.oneof(
  text,
  bytes,
  fc.constant(null),
  typed,
  fc.array(header, { maxLength: 3 }),
);

const time = fc.oneof(
  fc.integer({ min: 0, max: 4_102_444_800_000 }),
  fc.maxSafeInteger(),
  fc.constantFrom(-1, 253_402_300_800_000),
);

/** Any message at all: random bytes, names, nesting, times beyond what RFC 3339 can say. */
export const anyMessage: fc.Arbitrary<Message> = fc.record({
  channel: text,
  partition: optional(text),
  offset: optional(text),
  id: optional(text),
  timestamp: optional(time),
  timestampType: fc.constantFrom('create', 'append', null),
  key: optional(bytes),
  value: optional(bytes),
  headers: fc.array(header, { maxLength: 4 }),
  properties: fc.dictionary(fc.oneof(text, fc.constant('__proto__')), property, {
    maxKeys: 4,
    noNullPrototype: true,
  }),
  delivery: fc.record({ count: optional(fc.nat()), redelivered: optional(fc.boolean()) }),
  deadLetter: optional(
    fc.record({
      reason: optional(text),
      class: optional(text),
      message: optional(text),
      attempts: optional(fc.nat()),
      origin: fc.record({ channel: optional(text), partition: optional(text), offset: optional(text) }),
      consumer: optional(text),
      at: optional(time),
    }),
  ),
});
