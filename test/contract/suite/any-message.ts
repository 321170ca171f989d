/** Messages of random bytes, as wild as the system declares to carry. */
import fc from 'fast-check';
import type { PublishTraits } from '../../../src/lib/drivers/driver.ts';
import type { Header, HeaderValue, OutgoingMessage } from '../../../src/lib/message/message.ts';
import { bytes } from './messages.ts';

/** The same seed makes the same messages. */
export function randomMessages(traits: PublishTraits, count: number, seed: number): OutgoingMessage[] {
  return fc.sample(anyMessage(traits), { numRuns: count, seed });
}

function anyMessage(traits: PublishTraits): fc.Arbitrary<OutgoingMessage> {
  const content = traits.payload === 'bytes' ? anyBytes(2_000) : fc.string({ unit: 'grapheme' }).map(bytes);
  return fc.record({
    key: traits.key ? fc.option(anyBytes(40)) : fc.constant(null),
    value: traits.nullValue ? fc.option(content) : content,
    headers: anyHeaders(traits),
    properties: fc.constant({}),
    partition: fc.constant(null),
    timestamp: fc.constant(null),
  });
}

function anyHeaders({ headers, repeatedHeaders }: PublishTraits): fc.Arbitrary<Header[]> {
  if (headers === 'none') return fc.constant([]);
  const value: fc.Arbitrary<HeaderValue> =
    headers === 'text'
      ? fc.string({ unit: 'grapheme', minLength: 1 }).map(bytes)
      : headers === 'bytes'
        ? fc.option(anyBytes(100))
        : fc.oneof(anyBytes(100), anyTyped());
  const header = fc.record({ name: fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }), value });
  return repeatedHeaders
    ? fc.array(header, { maxLength: 8 })
    : fc.uniqueArray(header, { maxLength: 8, selector: ({ name }) => name });
}

function anyTyped(): fc.Arbitrary<HeaderValue> {
  return fc.oneof(
    fc
      .bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n })
      .map((value) => ({ type: 'int64', value: String(value) })),
    fc.integer({ min: -128, max: 127 }).map((value) => ({ type: 'int8', value: String(value) })),
    fc.boolean().map((value) => ({ type: 'boolean', value: String(value) })),
    anyBytes(100).map((value) => ({ type: 'bytes', value })),
  );
}

function anyBytes(maxLength: number): fc.Arbitrary<Uint8Array> {
  return fc.uint8Array({ maxLength });
}
