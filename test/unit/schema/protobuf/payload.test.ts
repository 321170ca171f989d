import assert from 'node:assert/strict';
import test from 'node:test';

import { PayloadError } from '../../../../src/lib/schema/errors.ts';
import { protobufEngine } from '../../../../src/lib/schema/protobuf/engine.ts';
import type { JsonValue } from '../../../../src/lib/message/record.ts';

const order = protobufEngine.parse({
  name: 'order.proto',
  text: `syntax = "proto3"; package shop;
    message Order { string id = 1; int64 total = 2; repeated int32 parts = 3; Order next = 4; map<string, int32> counts = 5; State state = 6; }
    enum State { NEW = 0; DONE = 1; }
    message Other { message Inner { bool on = 1; } bytes data = 1; }`,
  references: [],
});
const old = protobufEngine.parse({
  name: 'old.proto',
  text: 'syntax = "proto2"; message Old { required string id = 1; optional group Part = 2 { optional int32 a = 1; } }',
  references: [],
});

function bytes(hex: string): Uint8Array {
  return Buffer.from(hex.replaceAll(' ', ''), 'hex');
}

const values: readonly JsonValue[] = [
  {
    id: 'a',
    total: '9223372036854775807',
    parts: [1, -1],
    next: { id: 'b' },
    counts: { x: 1 },
    state: 'DONE',
  },
  { total: '-9007199254740993' },
  {},
];

for (const value of values)
  test(`${JSON.stringify(value)} is the same after encoding and decoding`, () => {
    assert.deepEqual(order.decode(order.encode(value)), { value, trailing: 0, type: 'shop.Order' });
  });

test('the indexes of the framing choose the message, nested ones too', () => {
  assert.equal(order.decode(bytes('0a01ff'), { messageIndexes: [1] }).type, 'shop.Other');
  assert.deepEqual(order.decode(bytes('0801'), { messageIndexes: [1, 0] }), {
    value: { on: true },
    trailing: 0,
    type: 'shop.Other.Inner',
  });
  assert.throws(() => order.decode(bytes('0801'), { messageIndexes: [7] }), /no message with the index 7/);
});

test('a field that is not known is skipped: that is how the format evolves', () => {
  assert.deepEqual(order.decode(bytes('0a0161 f80101')).value, { id: 'a' });
  assert.deepEqual(order.validatePayload(bytes('0a0161 f80101'), 10), []);
});

const poison: readonly [what: string, hex: string, code: string, message: RegExp][] = [
  [
    'a wrong wire type',
    '0801',
    'wrong-wire-type',
    /field 1 is a varint on the wire, where id has a length and bytes/,
  ],
  ['an end inside of a number', '1080', 'truncated', /end inside of a number/],
  ['a length beyond the end', '0a7f61', 'truncated', /127 bytes are announced, 1 are left/],
  ['a varint bomb', `10${'ff'.repeat(64)}`, 'varint-too-long', /longer than 10 bytes/],
  ['a number of more than 64 bits', `10${'ff'.repeat(9)}7f`, 'varint-too-long', /more than 64 bits/],
  ['a tag of number 0', '0001', 'bad-tag', /no tag/],
  ['an end of a group without its start', '0c', 'group-mismatch', /has no start/],
  ['a group without an end', '7b0801', 'truncated', /has no end/],
  ['text that is no UTF-8', '0a02c328', 'invalid-utf8', /no valid UTF-8/],
  ['a length of two to the 60', `0a${'80'.repeat(8)}10`, 'truncated', /are announced/],
  ['JSON in place of Protobuf', Buffer.from('{"id":"a"}').toString('hex'), 'truncated', /./],
];

for (const [what, hex, code, message] of poison)
  test(`${what} is named, never decoded to something else`, () => {
    assert.throws(
      () => order.decode(bytes(hex)),
      (thrown) => {
        assert.ok(thrown instanceof PayloadError, String(thrown));
        assert.equal(thrown.reason, code);
        assert.match(thrown.message, message);
        return true;
      },
    );
    assert.equal(order.validatePayload(bytes(hex), 10).at(-1)?.code, code);
  });

test('messages nested a hundred thousand deep end with an error, not with the stack', () => {
  let payload = Buffer.alloc(0);
  const parts: Buffer[] = [];
  for (let depth = 0; depth < 100_000; depth += 1) {
    const head = Buffer.from([
      0x22,
      ...varint(payload.length + parts.reduce((sum, part) => sum + part.length, 0)),
    ]);
    parts.unshift(head);
    if (parts.length > 500) break;
  }
  payload = Buffer.concat(parts);
  assert.throws(() => order.decode(payload), /deeper than 100/);
});

function varint(number: number): number[] {
  return number < 128 ? [number] : [(number % 128) + 128, ...varint(Math.floor(number / 128))];
}

test('a required field that is missing is named; groups of old files are read', () => {
  assert.throws(() => old.decode(bytes('')), /required field id is missing/);
  assert.deepEqual(old.decode(bytes('0a0161 13 0807 14')).value, { id: 'a', part: { a: 7 } });
});

const invalidValues: readonly [what: string, value: JsonValue, code: string, pointer: string][] = [
  ['an unknown name', { ID: 'a' }, 'unknown-field', '/ID'],
  ['text for a number', { parts: [1, 'x'] }, 'type', '/parts/1'],
  ['a wrong value of a map', { counts: { a: 'b' } }, 'type', '/counts/a'],
  ['a fault deep inside', { next: { next: { total: true } } }, 'type', '/next/next/total'],
  ['an unknown name of an enum', { state: 'GONE' }, 'type', '/state'],
  ['a list for a message', [1], 'type', ''],
];

for (const [what, value, code, pointer] of invalidValues)
  test(`${what} is a violation at its pointer`, () => {
    assert.deepEqual(
      order.validate(value, 10).map((violation) => [violation.code, violation.dataPointer]),
      [[code, pointer]],
    );
    assert.throws(() => order.encode(value), PayloadError);
  });
