import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';
import { fieldsOf, layoutField, messageOf } from '../../../../src/lib/drivers/redis/entry-codec.ts';
import type { Header, OutgoingMessage } from '../../../../src/lib/message/message.ts';

const names = { key: 'key', value: 'value' };
const bytes = (text: string): Buffer => Buffer.from(text);
const entryOf = (...fields: (string | Buffer)[]) => ({
  id: '1-0',
  fields: fields.map((field) => (typeof field === 'string' ? bytes(field) : field)),
});

function outgoing(change: Partial<OutgoingMessage>): OutgoingMessage {
  return { key: null, value: null, headers: [], properties: {}, partition: null, timestamp: null, ...change };
}

const content = ({ key, value, headers }: OutgoingMessage) => ({
  key: key === null ? null : Buffer.from(key).toString('hex'),
  value: value === null ? null : Buffer.from(value).toString('hex'),
  headers: headers.map(({ name, value: inner }) => [
    name,
    inner instanceof Uint8Array ? Buffer.from(inner).toString('hex') : inner,
  ]),
});

const anyName = fc.oneof(
  fc.constantFrom('value', 'key', 'a', 'b', ',', '%', layoutField, ''),
  fc.string({ unit: 'grapheme' }),
);
const anyBytes = fc.uint8Array({ maxLength: 20 }).map((array) => Buffer.from(array));

test('every entry of any other program, read and written again, is the same field for field', () => {
  const anyField = fc.tuple(fc.oneof(anyName.map(bytes), anyBytes), anyBytes);
  fc.assert(
    fc.property(fc.array(anyField, { minLength: 1, maxLength: 8 }), (pairs) => {
      fc.pre(pairs[0]?.[0].toString() !== layoutField);
      const fields = pairs.flat();
      const again = fieldsOf(messageOf({ id: '1-0', fields }, 'orders', names), names);
      assert.deepEqual(again, fields);
    }),
  );
});

test('every message comes back as it was: null and empty key and value, null and repeated headers, any name', () => {
  const anyHeader: fc.Arbitrary<Header> = fc.record({ name: anyName, value: fc.option(anyBytes) });
  const anyMessage = fc.record({
    key: fc.option(anyBytes),
    value: fc.option(anyBytes),
    headers: fc.array(anyHeader, { maxLength: 6 }),
  });
  fc.assert(
    fc.property(anyMessage, (change) => {
      const sent = outgoing(change);
      const fields = fieldsOf(sent, names);
      assert.ok(fields.length >= 2 && fields.length % 2 === 0);
      const received = messageOf({ id: '1-0', fields }, 'orders', names);
      assert.deepEqual(content(received), content(sent));
      assert.deepEqual(fieldsOf(received, names), fields, 'and once more');
    }),
  );
});

test('fields of other programs are headers in their order, the value and the key are found wherever they are', () => {
  const message = messageOf(
    entryOf('user', 'alice', 'value', '{}', 'key', 'k', 'value', 'again'),
    'orders',
    names,
  );
  assert.deepEqual(
    content(message),
    content(
      outgoing({
        key: bytes('k'),
        value: bytes('{}'),
        headers: [
          { name: 'user', value: bytes('alice') },
          { name: 'value', value: bytes('again') },
        ],
      }),
    ),
  );
  assert.equal(message.properties['fields'], 'user,value,key,value');
});

test('the fields that are value and key can be called otherwise', () => {
  const own = { key: 'id', value: 'payload' };
  const message = messageOf(entryOf('id', '7', 'payload', 'x', 'value', 'y'), 'orders', own);
  assert.deepEqual(
    content(message),
    content(
      outgoing({
        key: bytes('7'),
        value: bytes('x'),
        headers: [{ name: 'value', value: bytes('y') }],
      }),
    ),
  );
});

test('what an edit added comes behind the fields that were there, what it took away is not missed', () => {
  const message = messageOf(entryOf('user', 'alice', 'value', '{}', 'error', 'boom'), 'orders', names);
  const edited = {
    ...message,
    headers: [
      { name: 'user', value: bytes('alice') },
      { name: 'mqctl-redrive', value: bytes('1') },
    ],
  };
  assert.deepEqual(fieldsOf(edited, names).map(String), [
    'user',
    'alice',
    'value',
    '{}',
    'mqctl-redrive',
    '1',
  ]);
});

test('a field called as the layout, with a value that is none, is a header', () => {
  const message = messageOf(entryOf(layoutField, 'h', 'a', '1', 'b', '2'), 'orders', names);
  assert.deepEqual(
    message.headers.map(({ name }) => name),
    [layoutField, 'a', 'b'],
  );
});
