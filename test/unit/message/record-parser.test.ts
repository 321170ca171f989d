import assert from 'node:assert/strict';
import test from 'node:test';

import { UsageError } from '../../../src/lib/errors.ts';
import { recordLine } from '../../../src/lib/message/record.ts';
import { looksLikeRecord, parseRecord } from '../../../src/lib/message/record-parser.ts';
import { emptyMessage } from './message-samples.ts';

test('a record written by hand needs only its value', () => {
  assert.deepEqual(parseRecord('{"value":"x"}'), {
    ...emptyMessage,
    channel: null,
    value: Buffer.from('x'),
  });
});

test('a null value is a tombstone', () => {
  assert.equal(parseRecord('{"key":"k","value":null}').value, null);
});

test('times are RFC 3339 with any offset, or milliseconds', () => {
  assert.equal(
    parseRecord('{"value":"","timestamp":"2026-11-20T11:00:00+01:00"}').timestamp,
    Date.UTC(2026, 10, 20, 10),
  );
  assert.equal(parseRecord('{"value":"","timestamp":7}').timestamp, 7);
});

const refused: readonly (readonly [line: string, message: RegExp])[] = [
  ['', /not JSON/],
  ['[]', /expected a JSON object, got an array/],
  ['{"key":"k"}', /"value" is missing/],
  ['{"vlaue":"k"}', /unknown field "vlaue"/],
  ['{"value":7}', /value: expected a string.*got a number/],
  ['{"value":"\\ud800"}', /value: a lone surrogate/],
  ['{"value":{"base64":"_w=="}}', /value\.base64: not base64/],
  ['{"value":{"base64":"/w"}}', /value\.base64: not base64/],
  ['{"value":{"base64":"","x":1}}', /unknown field "value\.x"/],
  ['{"value":"","key":[]}', /key: expected/],
  ['{"value":"","partition":0}', /partition: expected a string or null, got a number/],
  ['{"value":"","timestamp":"yesterday"}', /timestamp: expected a time/],
  ['{"value":"","timestamp":"2026-13-45T00:00:00Z"}', /timestamp: expected a time/],
  ['{"value":"","timestampType":"log"}', /timestampType: expected "create"/],
  ['{"value":"","headers":{"a":"b"}}', /headers: expected an array/],
  ['{"value":"","headers":[["a"]]}', /headers\[0\]: expected \[name, value\]/],
  ['{"value":"","headers":[["a","b"],[1,"b"]]}', /headers\[1\] name: expected/],
  ['{"value":"","headers":[["a",{"type":"int64","value":7}]]}', /headers\[0\]\.value: expected a string/],
  [
    '{"value":"","headers":[["a",{"type":"table","value":["x"]}]]}',
    /headers\[0\]\.value\[0\]: expected \[name, value\]/,
  ],
  [
    '{"value":"","headers":[["a",{"type":"array","value":["x",["y","z"]]}]]}',
    /headers\[0\]\.value\[1\]: expected/,
  ],
  ['{"value":"","properties":[]}', /properties: expected an object/],
  ['{"value":"","properties":{"priority":5}}', /properties\.priority: expected/],
  ['{"value":"","delivery":{"count":"1"}}', /delivery\.count: expected a number/],
  ['{"value":"","deadLetter":{"origin":{"topic":"x"}}}', /unknown field "deadLetter\.origin\.topic"/],
];

for (const [line, message] of refused) {
  test(`refuses ${line === '' ? 'an empty line' : line}`, () => {
    assert.throws(
      () => parseRecord(line),
      (error) => error instanceof UsageError && message.test(error.message),
    );
  });
}

test('a misspelt field gets a suggestion', () => {
  assert.throws(() => parseRecord('{"value":"","offfset":"1"}'), { hint: 'did you mean "offset"?' });
});

test('a line that is not valid UTF-8 is refused instead of altered', () => {
  assert.throws(() => parseRecord(Buffer.from('7b2276616c7565223a22ff227d', 'hex')), /not valid UTF-8/);
});

test('nesting without end is refused', () => {
  const deep = '{"type":"array","value":['.repeat(5_000) + ']}'.repeat(5_000);
  assert.throws(() => parseRecord(`{"value":"","headers":[["a",${deep}]]}`), /nests deeper/);
});

test('a record of ours is told from other JSON', () => {
  assert.equal(looksLikeRecord(Buffer.from(recordLine(emptyMessage))), true);
  assert.equal(looksLikeRecord(Buffer.from('{"key":"k","value":"v"}')), false);
  assert.equal(looksLikeRecord(Buffer.from('plain text')), false);
  assert.equal(looksLikeRecord(Buffer.from('{"broken')), false);
  assert.equal(looksLikeRecord(new Uint8Array([0x7b, 0xff])), false);
});
