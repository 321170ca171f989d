import assert from 'node:assert/strict';
import test from 'node:test';
import { entryOf } from '../../../../src/lib/drivers/kinesis/entry.ts';
import { bytes, message } from '../../../contract/suite/messages.ts';

const refused: readonly (readonly [string, Parameters<typeof message>, RegExp])[] = [
  ['a tombstone', [null], /cannot be null/],
  ['headers', ['v', { headers: [{ name: 'a', value: bytes('b') }] }], /no headers/],
  ['an unknown property', ['v', { properties: { contentType: 'x' } }], /no property "contentType"/],
  ['a hash key that is too high', ['v', { properties: { explicitHashKey: String(2n ** 128n) } }], /2\^128/],
  [
    'two places',
    ['v', { partition: 's', properties: { explicitHashKey: '1' } }],
    /each decides where it goes/,
  ],
  ['a key that is no text', ['v', { key: Uint8Array.of(255) }], /not text/],
  ['an empty key', ['v', { key: bytes('') }], /has 0 characters/],
  [
    'more bytes than the stream takes',
    ['x'.repeat(99), { key: bytes('ab') }],
    /too large: 101 bytes .* takes 100 bytes/,
  ],
];

for (const [what, words, reason] of refused)
  test(`${what} cannot be a record, and it is said why`, () => {
    const entry = entryOf(message(...words), 100);
    assert.ok('refusal' in entry);
    assert.match(entry.refusal, reason);
  });

test("a key counts against the limit, and one that is made up is nobody else's", () => {
  const given = entryOf(message('x'.repeat(98), { key: bytes('ab') }), 100);
  assert.ok('data' in given && given.keyGiven && given.bytes === 100);
  const [one, other] = [entryOf(message('v'), 100), entryOf(message('v'), 100)];
  assert.ok('data' in one && 'data' in other && !one.keyGiven);
  assert.notEqual(one.key, other.key);
});
