import assert from 'node:assert/strict';
import test from 'node:test';

import fc from 'fast-check';

import { ContentHash } from '../../../src/lib/dlq/content-hash.ts';
import { readMark, withMark } from '../../../src/lib/dlq/mark.ts';
import { FailedError } from '../../../src/lib/errors.ts';
import type { HeaderValue, Message } from '../../../src/lib/message/message.ts';
import { recordLine } from '../../../src/lib/message/record.ts';
import { anyMessage, emptyMessage } from '../message/message-samples.ts';
import { dead, text } from './samples.ts';

const hash = new ContentHash({ volatileHeaders: ['x-death'], volatileProperties: ['exchange'] });
const of = (message: Message): string => hash.of(message);

/** What counts, as a record: equal where the contents are. */
function content(message: Message): string {
  const properties = Object.fromEntries(
    Object.entries(message.properties)
      .filter(([name]) => name !== 'exchange')
      .sort(([one], [other]) => (one < other ? -1 : 1)),
  );
  const headers = message.headers.filter(({ name }) => name !== 'x-death' && name !== 'mqctl-redrive');
  return recordLine({ ...emptyMessage, key: message.key, value: message.value, headers, properties });
}

test('messages have the same hash exactly when they hold the same', () => {
  fc.assert(
    fc.property(anyMessage, anyMessage, (one, other) => {
      assert.equal(of(one) === of(other), content(one) === content(other));
    }),
    { numRuns: 300 },
  );
});

test('what the system changes by itself and our mark make no difference', () => {
  const plain = dead([text('trace', 'abc')], { value: Buffer.from('v') });
  const later: Message = {
    ...plain,
    headers: withMark([text('x-death', 'again'), ...plain.headers], {
      plan: '0123456789abcdef',
      ordinal: 1,
      count: 2,
    }),
    properties: { exchange: 'dlx' },
    delivery: { count: 7, redelivered: true },
    offset: '9',
  };
  assert.equal(of(later), of(plain));
});

test('neither moving bytes between parts nor null for empty gives the same hash', () => {
  const variants: Message[] = [
    dead([], { key: Buffer.from('ab'), value: Buffer.from('c') }),
    dead([], { key: Buffer.from('a'), value: Buffer.from('bc') }),
    dead([], { key: null, value: Buffer.from('abc') }),
    dead([], { key: Buffer.alloc(0), value: Buffer.from('abc') }),
    dead([text('ab', 'c')]),
    dead([text('a', 'bc')]),
    dead([text('a', 'b'), text('c', '')]),
    dead([{ name: 'a', value: null }]),
    dead([{ name: 'a', value: { type: 'int64', value: '7' } }]),
    dead([{ name: 'a', value: { type: 'int32', value: '7' } }]),
    dead([{ name: 'a', value: { type: 'array', value: [] } }]),
    dead([{ name: 'a', value: { type: 'array', value: [null] } }]),
    dead([], { properties: { a: '7' } }),
    dead([], { properties: { a: Buffer.from('7') } }),
    dead([text('b', '1'), text('a', '1')]),
    dead([text('a', '1'), text('b', '1')]),
  ];
  assert.equal(new Set(variants.map(of)).size, variants.length);
});

test('headers that nest without end are refused', () => {
  let value: HeaderValue = null;
  for (let depth = 0; depth < 1_000; depth += 1) value = { type: 'array', value: [value] };
  assert.throws(() => of(dead([{ name: 'deep', value }])), FailedError);
});

test('the mark is replaced, never appended, and read back', () => {
  const mark = { plan: '0123456789abcdef', ordinal: 42, count: 3 };
  const headers = withMark(
    [text('mqctl-redrive', '0123456789abcdef-1;1'), text('a', 'b'), text('mqctl-redrive', 'x')],
    mark,
  );
  assert.deepEqual(
    headers.map(({ name }) => name),
    ['a', 'mqctl-redrive'],
  );
  assert.deepEqual(readMark(headers), mark);
});

test('a header that only pretends to be our mark is none', () => {
  for (const value of [
    '',
    'x',
    '0123456789abcdef-1',
    '0123456789ABCDEF-1;1',
    '0123456789abcdef-1;1;1',
    '0123456789abcdef--1;1',
    '\u001b[31m',
  ])
    assert.equal(readMark([text('mqctl-redrive', value)]), null, value);
  assert.equal(readMark([]), null);
  fc.assert(fc.property(fc.uint8Array(), (value) => void readMark([{ name: 'mqctl-redrive', value }])));
});
