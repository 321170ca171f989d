/** Messages of random bytes, as wild as the system declares to carry. */
import fc from 'fast-check';
import type { PublishTraits } from '../../../src/lib/drivers/driver.ts';
import type { Header, HeaderValue, OutgoingMessage } from '../../../src/lib/message/message.ts';
import { bytes } from './messages.ts';

/** The same seed makes the same messages. `without` names types of headers. */
export function randomMessages(
  traits: PublishTraits,
  without: readonly string[],
  count: number,
  seed: number,
): OutgoingMessage[] {
  return fc.sample(anyMessage(traits, without), { numRuns: count, seed });
}

function anyMessage(traits: PublishTraits, without: readonly string[]): fc.Arbitrary<OutgoingMessage> {
  const minLength = traits.emptyValue === false ? 1 : 0;
  const content =
    traits.payload === 'bytes'
      ? fc.uint8Array({ minLength, maxLength: 2_000 })
      : fc.string({ unit: 'grapheme', minLength }).map(bytes);
  return fc.record({
    key: anyKey(traits),
    value: traits.nullValue ? fc.option(content) : content,
    headers: anyHeaders(traits, without),
    properties: fc.constant({}),
    partition: fc.constant(null),
    timestamp: fc.constant(null),
  });
}

function anyKey({ key, keyText }: PublishTraits): fc.Arbitrary<Uint8Array | null> {
  if (!key) return fc.constant(null);
  if (keyText === undefined) return fc.option(anyBytes(40));
  // Each its own: where order is that of a key, there is none between keys, and these are sent together.
  return fc
    .tuple(fc.string({ unit: 'grapheme', maxLength: 40 }), fc.uuid())
    .map((parts) => bytes(parts.join('')));
}

function anyHeaders(
  { headers, headerNames, repeatedHeaders }: PublishTraits,
  without: readonly string[],
): fc.Arbitrary<Header[]> {
  if (headers === 'none') return fc.constant([]);
  const value: fc.Arbitrary<HeaderValue> =
    headers === 'text'
      ? oneLine.map(bytes)
      : headers === 'bytes'
        ? fc.option(anyBytes(100))
        : fc.oneof(anyBytes(100), anyTyped(without));
  const name =
    headerNames === 'token'
      ? fc
          .stringMatching(/^[A-Za-z0-9_-]{1,10}(\.[A-Za-z0-9_-]{1,10})?$/)
          .filter((name) => name !== '__proto__')
      : fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 });
  const header = fc.record({ name, value });
  return repeatedHeaders
    ? fc.array(header, { maxLength: 8 })
    : fc.uniqueArray(header, { maxLength: 8, selector: ({ name }) => name });
}

/** What every system takes that has headers of text. */
const oneLine = fc
  .string({ unit: 'grapheme', minLength: 1 })
  .map((text) => text.replace(/\p{Cc}/gu, '').trim())
  .filter((text) => text !== '');

function anyTyped(without: readonly string[]): fc.Arbitrary<HeaderValue> {
  const types: Readonly<Record<string, fc.Arbitrary<string | Uint8Array>>> = {
    int64: fc.bigInt({ min: -(2n ** 63n), max: 2n ** 63n - 1n }).map(String),
    int8: fc.integer({ min: -128, max: 127 }).map(String),
    boolean: fc.boolean().map(String),
    bytes: anyBytes(100),
  };
  const chosen = Object.entries(types).filter(([type]) => !without.includes(type));
  return fc.oneof(...chosen.map(([type, value]) => value.map((value) => ({ type, value }))));
}

function anyBytes(maxLength: number): fc.Arbitrary<Uint8Array> {
  return fc.uint8Array({ maxLength });
}
