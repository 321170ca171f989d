import assert from 'node:assert/strict';
import { test } from 'node:test';
import { encodeProperties } from '../../../../src/lib/drivers/rabbitmq/basic-properties.ts';
import { ByteWriter } from '../../../../src/lib/drivers/rabbitmq/byte-writer.ts';
import { toMessage, toStreamMessage } from '../../../../src/lib/drivers/rabbitmq/delivery.ts';
import type { Header, Properties } from '../../../../src/lib/message/message.ts';

function delivered(headers: readonly Header[], properties: Properties = {}, redelivered = false) {
  const writer = new ByteWriter();
  encodeProperties(writer, { headers, properties });
  return {
    fields: { consumerTag: 'c', deliveryTag: 1, redelivered, exchange: 'shop', routingKey: 'order.new' },
    properties: writer.take(),
    content: Buffer.from('body'),
  };
}

const int64 = (name: string, value: string): Header => ({ name, value: { type: 'int64', value } });

test('how it came is a property, and its timestamp the time in milliseconds', () => {
  const message = toMessage('orders', delivered([], { timestamp: '1700000000', messageId: 'm' }));
  assert.deepEqual(message.properties, {
    messageId: 'm',
    timestamp: { type: 'timestamp', value: '1700000000' },
    exchange: 'shop',
    routingKey: 'order.new',
  });
  assert.deepEqual([message.timestamp, message.timestampType], [1_700_000_000_000, 'create']);
  assert.equal(message.offset, null);
});

test('a timestamp beyond all dates is unknown, and stays among the properties', () => {
  const message = toMessage('orders', delivered([], { timestamp: '18446744073709551615' }));
  assert.deepEqual([message.timestamp, message.timestampType], [null, null]);
  assert.deepEqual(message.properties['timestamp'], { type: 'timestamp', value: '18446744073709551615' });
});

test('deliveries are counted by quorum queues, with this one; elsewhere a second one is not', () => {
  const count = (headers: readonly Header[], redelivered: boolean) =>
    toMessage('orders', delivered(headers, {}, redelivered)).delivery.count;
  assert.equal(count([int64('x-delivery-count', '2')], true), 3);
  assert.equal(count([], false), 1);
  assert.equal(count([], true), null);
  assert.equal(count([{ name: 'x-delivery-count', value: Buffer.from('2') }], true), null);
});

test('the offset of a stream is no header of the message; elsewhere such a header is only a header', () => {
  const headers = [int64('a', '1'), int64('x-stream-offset', '42')];
  const stream = toStreamMessage('log', delivered(headers));
  assert.deepEqual([stream.offset, stream.headers], ['42', [headers[0]]]);
  const queue = toMessage('orders', delivered(headers));
  assert.deepEqual([queue.offset, queue.headers], [null, headers]);
});

test('a death that the broker tells is read', () => {
  const entry: Header[] = [
    { name: 'queue', value: Buffer.from('orders') },
    { name: 'reason', value: Buffer.from('rejected') },
    int64('count', '3'),
  ];
  const death: Header = {
    name: 'x-death',
    value: { type: 'array', value: [{ type: 'table', value: entry }] },
  };
  const { deadLetter } = toMessage('dead', delivered([death]));
  assert.deepEqual([deadLetter?.reason, deadLetter?.origin.channel], ['rejected', 'orders']);
  assert.equal(toMessage('dead', delivered([])).deadLetter, null);
});
