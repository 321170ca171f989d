import assert from 'node:assert/strict';
import test from 'node:test';

import { causeOf } from '../../../src/lib/dlq/cause.ts';
import { readFailure } from '../../../src/lib/dlq/failure.ts';
import { fingerprint } from '../../../src/lib/dlq/fingerprint.ts';
import { Groups, type DeadLetterGroup, type Grouping } from '../../../src/lib/dlq/grouping.ts';
import { Inspector } from '../../../src/lib/dlq/inspect.ts';
import { seenIn } from '../../../src/lib/dlq/seen.ts';
import type { Header, Message } from '../../../src/lib/message/message.ts';
import { dead, text } from './samples.ts';

const minute = 60_000;

function grouped(by: Grouping, messages: readonly Message[]): readonly DeadLetterGroup[] {
  const groups = new Groups(by);
  const inspector = new Inspector(undefined);
  for (const message of messages) groups.add(inspector.read(message, false));
  return groups.result();
}

function died(at: number, change: Partial<Message> = {}, headers: readonly Header[] = []): Message {
  return dead(
    [
      text('x-exception-class', 'Slow'),
      text('x-exception-message', `timed out after ${at.toString()} ms`),
      ...headers,
    ],
    { offset: at.toString(), partition: '0', timestamp: at * minute, value: Buffer.from('{}'), ...change },
  );
}

test('a group says how many, how fast, of which channels and consumers, and which one to look at', () => {
  const [group] = grouped('cause', [
    died(0, { value: Buffer.from('a') }, [text('x-original-topic', 'orders')]),
    died(2, { value: Buffer.from('b') }, [text('x-original-topic', 'orders')]),
    died(4, { value: Buffer.from('a') }, [text('x-original-topic', 'orders'), text('trace', 'other')]),
    died(1, { value: Buffer.from('a') }, [text('x-original-topic', 'orders')]),
  ]);
  assert.ok(group !== undefined);
  const { count, duplicates, firstAt, lastAt, ratePerMinute, channels, consumers, sample } = group;
  assert.deepEqual(
    { count, duplicates, firstAt, lastAt, ratePerMinute, channels, consumers, sample },
    {
      count: 4,
      duplicates: 1,
      firstAt: 0,
      lastAt: 4 * minute,
      ratePerMinute: 3 / 4,
      channels: ['orders'],
      consumers: [],
      sample: '0:0',
    },
  );
});

test('the same message that died twice is a duplicate, whatever its two deaths say', () => {
  const inspector = new Inspector(undefined);
  const read = (offset: string, headers: readonly Header[]) =>
    inspector.read(dead(headers, { partition: '0', offset, value: Buffer.from('v') }), false).duplicateOf;
  assert.equal(read('0', [text('trace', 'a'), text('x-exception-message', 'first')]), null);
  assert.equal(read('1', [text('trace', 'a'), text('x-exception-message', 'second')]), '0:0');
  assert.equal(read('2', [text('trace', 'b'), text('x-exception-message', 'first')]), null);
});

test('where nobody said why they died, they are told apart by what can be seen', () => {
  const values: readonly (readonly [Message['value'], string])[] = [
    [null, 'a tombstone'],
    [Buffer.alloc(0), 'empty'],
    [Buffer.from('{"a":1}'), 'JSON, up to 1 KiB'],
    [Buffer.from('{"a":1'), 'broken JSON, up to 1 KiB'],
    [Buffer.from('hello'), 'text, up to 1 KiB'],
    [Buffer.from([0xff, 0xfe]), 'binary, up to 1 KiB'],
    [Buffer.from([0, 0, 0, 0, 7, 2, 2]), 'framed with schema 7, up to 1 KiB'],
    [Buffer.alloc(200 * 1024, 'x'), 'text, up to 1 MiB'],
    // Nobody walks it, so nobody runs out of stack.
    [Buffer.from(`${'['.repeat(50_000)}${']'.repeat(50_000)}`), 'broken JSON, up to 100 KiB'],
  ];
  const ids = values.map(([value, seen]) => {
    const message = dead([text('trace', 'x')], { value });
    assert.equal(seenIn(message), seen);
    return causeOf(message, readFailure(message, null)).id;
  });
  assert.equal(new Set(ids).size, values.length);
  assert.equal(
    seenIn(dead([text('ce_type', 'order.created')], { key: Buffer.from('k'), value: null })),
    'a tombstone, type order.created, with a key',
  );
});

test('a broker that only says "rejected" leaves it to what can be seen; words of a framework do not', () => {
  const rejected = readFailure(dead([text('dlq-reason', 'rejected')]), null);
  assert.ok(rejected !== null);
  const json = causeOf(dead([], { value: Buffer.from('{}') }), rejected);
  const broken = causeOf(dead([], { value: Buffer.from('{') }), rejected);
  assert.notEqual(json.id, broken.id);
  const said = { ...rejected, message: 'no price' };
  assert.equal(causeOf(dead([], { value: Buffer.from('{') }), said).id, fingerprint(said).id);
});

test('keys without number are counted in bounded memory, and what does not fit is said', () => {
  const groups = new Groups('key');
  const inspector = new Inspector(undefined);
  for (let at = 0; at < 10_100; at += 1)
    groups.add(inspector.read(dead([], { key: Buffer.from(at.toString()), offset: at.toString() }), false));
  assert.equal(groups.result().length, 10_000);
  assert.equal(groups.others, 100);
});

test('by type: the property, else what frameworks and CloudEvents write', () => {
  const types = grouped('type', [
    dead([], { properties: { type: 'order.created' }, offset: '0' }),
    dead([text('ce_type', 'order.created')], { offset: '1' }),
    dead([], { offset: '2' }),
  ]).map(({ group, count }) => [group, count]);
  assert.deepEqual(types, [
    ['order.created', 2],
    [null, 1],
  ]);
});
