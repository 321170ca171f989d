import assert from 'node:assert/strict';
import test from 'node:test';

import { UsageError } from '../../../src/lib/errors.ts';
import { createFilter, type FilterOptions } from '../../../src/lib/filter/filter.ts';
import type { Message } from '../../../src/lib/message/message.ts';
import { emptyMessage } from '../message/message-samples.ts';

const message: Message = {
  ...emptyMessage,
  partition: '0',
  offset: '142',
  timestamp: Date.UTC(2026, 10, 20, 10),
  key: Buffer.from('k1'),
  value: Buffer.from(
    '{"total":7,"price":1.5,"big":9007199254740993,"name":"Ann","items":[{"n":1},{"n":2}],"on":true}',
  ),
  headers: [
    { name: 'region', value: Buffer.from('eu') },
    { name: 'region', value: Buffer.from('us') },
    { name: 'binary', value: Buffer.from([0xff]) },
    { name: 'none', value: null },
    { name: 'count', value: { type: 'int64', value: '9223372036854775807' } },
    { name: 'ratio', value: { type: 'double', value: '0.5' } },
    { name: 'live', value: { type: 'boolean', value: 'true' } },
    { name: 'at', value: { type: 'timestamp', value: '1795168800' } },
    {
      name: 'table',
      value: {
        type: 'table',
        value: [{ name: 'list', value: { type: 'array', value: [Buffer.from('x'), null] } }],
      },
    },
    { name: '__proto__', value: Buffer.from('p') },
  ],
  properties: { contentType: 'application/json', priority: { type: 'uint8', value: '5' } },
  delivery: { count: 2, redelivered: true },
};

const nothing: FilterOptions = { filter: null, grep: null, key: null, headers: [] };

async function keeps(options: Partial<FilterOptions>, given: Message = message): Promise<boolean> {
  return (await createFilter({ ...nothing, ...options }))(given);
}

const matching = [
  'value.total > 5 && headers.region == "eu"',
  'value.total + 1 == 8',
  'value.total * 1.5 > 10.0',
  'value.total % 2 == 1',
  'value.price * 2 == 3',
  'value.big == 9007199254740993',
  'value.on',
  'value.items.exists(item, item.n == 2)',
  'size(value.items) == 2',
  'value.name.startsWith("A") && value.name.contains("nn")',
  'has(value.total) && !has(value.nope)',
  'value.nope == 1 || key == "k1"',
  'value.?nope.orValue("none") == "none"',
  'headerList.filter(h, h.name == "region").size() == 2',
  'headers.binary == b"\\xff"',
  'headers.none == null',
  'headers.count == 9223372036854775807',
  'headers.ratio < 1.0',
  'headers.live',
  'headers.at > timestamp("2026-11-20T00:00:00Z")',
  'headers.table.list[0] == "x"',
  'headers["__proto__"] == "p"',
  'properties.contentType == "application/json" && properties.priority == 5',
  'partition == "0" && int(offset) > 100',
  'timestamp >= timestamp("2026-11-20T10:00:00Z")',
  'channel == "orders"',
  'delivery.count == 2 && delivery.redelivered',
  'deadLetter == null',
  'size(raw) > 50',
];

for (const filter of matching) {
  test(`--filter '${filter}' keeps the message`, async () => {
    assert.equal(await keeps({ filter }), true);
  });
}

const notMatching = [
  'value.total > 500',
  'value.nope > 1',
  '!(value.nope == 1)',
  'value.items[7].n == 1',
  'value.name > 1',
  'headers.nope == "x"',
  'headers.toString == "x"',
  'value.constructor == "x"',
  'deadLetter.reason == "x"',
  'value.total',
];

for (const filter of notMatching) {
  test(`--filter '${filter}' drops the message without ending the run`, async () => {
    assert.equal(await keeps({ filter }), false);
  });
}

test('a value that is no JSON is its text, one that is no text its bytes, a tombstone null', async () => {
  const withValue = (value: Uint8Array | null): Message => ({ ...message, value });
  assert.equal(await keeps({ filter: 'value == "plain"' }, withValue(Buffer.from('plain'))), true);
  assert.equal(await keeps({ filter: 'value == b"\\xff"' }, withValue(Buffer.from([0xff]))), true);
  assert.equal(await keeps({ filter: 'value == null' }, withValue(null)), true);
  assert.equal(await keeps({ filter: 'value.total == 1' }, withValue(null)), false);
});

test('the facts of a dead letter can be filtered', async () => {
  const dead: Message = {
    ...message,
    deadLetter: {
      reason: 'rejected',
      class: 'java.lang.IllegalStateException',
      message: 'no',
      attempts: 3,
      origin: { channel: 'orders', partition: '1', offset: '7' },
      consumer: 'billing',
      at: Date.UTC(2026, 10, 20),
    },
  };
  assert.equal(
    await keeps({ filter: 'deadLetter.attempts >= 3 && deadLetter.origin.channel == "orders"' }, dead),
    true,
  );
});

const wrong: readonly (readonly [filter: string, message: RegExp])[] = [
  ['value.total >', /^--filter: .*, at character 14, the end$/],
  ['key == "a" && valu.total > 1', /Unknown variable: valu, at character 15, before "valu\.total > 1"$/],
  ['channel\n > 1', /, at character \d+, [^\n]*$/],
  ['1 + 1', /this is a int, neither true nor false/],
  ['', /^--filter: /],
];

for (const [filter, expected] of wrong) {
  test(`--filter '${filter}' is wrong usage, with its place`, async () => {
    await assert.rejects(
      keeps({ filter }),
      (error) => error instanceof UsageError && expected.test(error.message),
    );
  });
}

for (const filter of [
  'key.matches("(a+)+$")',
  'has(value.a) || [key].exists(k, k.matches("x"))',
  '{"a": key.matches("x")}.a',
  'true ? !key.\n matches("x") : false',
  'value.?a.orValue(key.matches("x"))',
  'cel.bind(m, key.matches("x"), m)',
]) {
  test(`--filter '${filter}' is refused: a payload could make it run for hours`, async () => {
    await assert.rejects(keeps({ filter }), /matches\(\) is not offered/);
  });
}

test('the first message of another type is told, a missing field is not', async () => {
  const told: string[] = [];
  const filter = await createFilter({
    ...nothing,
    filter: 'value.name > 1 || value.nope > 1',
    onMismatch: (reason) => told.push(reason),
  });
  const missing = await createFilter({
    ...nothing,
    filter: 'value.nope > 1',
    onMismatch: (reason) => told.push(reason),
  });
  missing(message);
  assert.deepEqual(told, []);
  filter({ ...message, value: Buffer.from('{"name":"x","nope":"y"}') });
  filter({ ...message, value: Buffer.from('{"name":"x","nope":"y"}') });
  assert.equal(told.length, 1);
});

test('--key is the whole key', async () => {
  assert.equal(await keeps({ key: 'k1' }), true);
  assert.equal(await keeps({ key: 'k' }), false);
  assert.equal(await keeps({ key: '' }, { ...message, key: null }), false);
});

test('--header finds any of repeated ones, typed ones by their text, and a name alone', async () => {
  for (const header of ['region=eu', 'region=us', 'count=9223372036854775807', 'none', 'binary'])
    assert.equal(await keeps({ headers: [header] }), true, header);
  for (const header of ['region=', 'none=', 'nope', 'binary=x'])
    assert.equal(await keeps({ headers: [header] }), false, header);
  assert.equal(await keeps({ headers: ['region=eu', 'nope'] }), false);
  await assert.rejects(keeps({ headers: ['=x'] }), UsageError);
});

test('--grep looks through the text of the value', async () => {
  assert.equal(await keeps({ grep: '"total":\\d' }), true);
  assert.equal(await keeps({ grep: '(?i:ANN)' }), true);
  assert.equal(await keeps({ grep: '^Ann' }), false);
  assert.equal(await keeps({ grep: '' }, { ...message, value: null }), false);
  assert.equal(
    await keeps({ grep: 'abc' }, { ...message, value: Buffer.from([0xff, 0x61, 0x62, 0x63]) }),
    true,
  );
  await assert.rejects(keeps({ grep: '(' }), UsageError);
});

test('all that is asked for must agree, and nothing asked for keeps everything', async () => {
  assert.equal(await keeps({}), true);
  assert.equal(await keeps({ key: 'k1', grep: 'Ann', filter: 'value.total == 7' }), true);
  assert.equal(await keeps({ key: 'k1', grep: 'Bob', filter: 'value.total == 7' }), false);
});
