import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import {
  decodeHeaders,
  decodeProperties,
  encodeHeaders,
  encodeProperties,
} from '../../../../src/lib/drivers/local/message-codec.ts';
import { FailedError } from '../../../../src/lib/errors.ts';
import type { Header, HeaderValue, Properties, TypedValue } from '../../../../src/lib/message/message.ts';

const { header, typed } = fc.letrec<{ value: HeaderValue; header: Header; typed: TypedValue }>((tie) => ({
  value: fc.oneof(
    { maxDepth: 3 },
    fc.constant(null),
    fc.uint8Array({ maxLength: 20 }),
    fc.string({ unit: 'binary' }).map((text) => new TextEncoder().encode(text)),
    tie('typed'),
  ),
  header: fc.record({ name: fc.string({ unit: 'binary' }), value: tie('value') }),
  typed: fc.oneof(
    fc.record({ type: fc.constant('int64'), value: fc.bigInt().map(String) }),
    fc.record({ type: fc.constant('void'), value: fc.constant(null) }),
    fc.record({ type: fc.constant('bytes'), value: fc.uint8Array({ maxLength: 20 }) }),
    fc.record({ type: fc.constant('array'), value: fc.array(tie('value'), { maxLength: 4 }) }),
    fc.record({ type: fc.constant('table'), value: fc.array(tie('header'), { minLength: 1, maxLength: 4 }) }),
  ),
}));

/** Views of bytes are compared by their content. */
function plain(input: unknown): unknown {
  if (input instanceof Uint8Array) return `bytes ${Buffer.from(input).toString('hex')}`;
  if (Array.isArray(input)) return input.map(plain);
  if (typeof input !== 'object' || input === null) return input;
  return Object.entries(input).map(([name, inner]) => [name, plain(inner)]);
}

test('headers of any bytes, types, order and repetition come back as they were', () => {
  fc.assert(
    fc.property(fc.array(header, { maxLength: 6 }), (headers) => {
      assert.deepEqual(plain(decodeHeaders(encodeHeaders(headers))), plain(headers));
    }),
  );
});

test('properties of any kind come back as they were, in their order', () => {
  const property = fc.oneof(
    fc.string({ unit: 'binary' }),
    fc.uint8Array({ maxLength: 20 }),
    fc.constant(null),
    typed,
    fc.array(header, { maxLength: 3 }),
  );
  fc.assert(
    fc.property(fc.dictionary(fc.string({ unit: 'binary' }), property), (properties: Properties) => {
      assert.deepEqual(plain(decodeProperties(encodeProperties(properties))), plain(properties));
    }),
  );
});

test('a property named like a part of every object stays a property', () => {
  const properties: Properties = Object.fromEntries([['__proto__', 'x']]);
  assert.deepEqual(Object.entries(decodeProperties(encodeProperties(properties))), [['__proto__', 'x']]);
});

test("the bytes of a header's name are kept where they are no text", () => {
  const rawName = Uint8Array.of(0xff, 0x61);
  const [decoded] = decodeHeaders(encodeHeaders([{ name: '\ufffda', value: null, rawName }]));
  assert.deepEqual(Buffer.from(decoded?.rawName ?? []), Buffer.from(rawName));
});

test('a text with a byte order mark keeps it', () => {
  const bytes = Uint8Array.of(0xef, 0xbb, 0xbf, 0x61);
  const [decoded] = decodeHeaders(encodeHeaders([{ name: 'h', value: bytes }]));
  assert.deepEqual(plain(decoded?.value), plain(bytes));
});

test('what is none of ours is refused, not guessed at', () => {
  for (const text of ['{', '{}', '[1]', '[["a",{"x":1}]]', '[["a",{"type":1}]]', '['.repeat(100_000)])
    assert.throws(() => decodeHeaders(text), FailedError, text.slice(0, 40));
});
