import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';

import { causeOf } from '../../../src/lib/dlq/cause.ts';
import { readFailure, type Failure, type NativeReader } from '../../../src/lib/dlq/failure.ts';
import { toOutgoing, type KeepHeaders } from '../../../src/lib/dlq/outgoing.ts';
import { readDeath } from '../../../src/lib/drivers/rabbitmq/dead-letters.ts';
import type { Message } from '../../../src/lib/message/message.ts';
import { parseRecord } from '../../../src/lib/message/record-parser.ts';

/** Whole records, as they were read from the broker: see `captured/README.md` for how they were made. */
function captured(file: string): readonly Message[] {
  const path = new URL(`./captured/${file}`, import.meta.url);
  const document: unknown = JSON.parse(readFileSync(path, 'utf8'));
  assert.ok(typeof document === 'object' && document !== null);
  const records: unknown = new Map<string, unknown>(Object.entries(document)).get('records');
  assert.ok(Array.isArray(records));
  return records.map((record) => {
    const { channel, ...message } = parseRecord(JSON.stringify(record));
    assert.ok(channel !== null);
    return { ...message, channel };
  });
}

function fromSpring(channel: string): Message {
  const message = captured('spring-kafka.json').find((each) => each.channel === channel);
  assert.ok(message);
  return message;
}

function failureOf(message: Message, native: NativeReader = null): Failure {
  const failure = readFailure(message, native);
  assert.ok(failure !== null);
  return failure;
}

function redriven(message: Message, keepHeaders: KeepHeaders = 'none', native: NativeReader = null) {
  const cause = causeOf(message, readFailure(message, native)).id;
  const departure = {
    plan: '0123456789abcdef',
    ordinal: 0,
    keepHeaders,
    cause,
    quarantine: false,
    routingKey: null,
    mostHeaders: null,
    dedupeProperty: null,
    edited: null,
  };
  return { cause, ...toOutgoing(message, departure, undefined) };
}

test('what Kafka Connect wrote is read: of a converter and of a transformation', () => {
  const [conversion, transformation] = captured('kafka-connect.json').map((message) => failureOf(message));
  assert.ok(conversion && transformation);
  const { stack, ...failure } = conversion;
  assert.deepEqual(failure, {
    reason: 'VALUE_CONVERTER',
    class: 'org.apache.kafka.connect.errors.DataException',
    message: 'Converting byte[] to Kafka Connect data failed due to serialization error: ',
    attempts: null,
    origin: { channel: 'connect.orders', partition: '0', offset: '0' },
    consumer: 'orders-sink',
    at: null,
    sentAt: null,
    routingKey: null,
  });
  assert.match(stack ?? '', /JsonConverter\.toConnectData/);
  assert.deepEqual(
    [transformation.reason, transformation.message, transformation.origin.offset],
    ['TRANSFORMATION', 'Value (seven) was out of range for requested data type', '1'],
  );
});

test('what Spring for Apache Kafka wrote is read: binary numbers, the cause before its wrapper, the attempts that were made', () => {
  const { stack, ...failure } = failureOf(fromSpring('spring.orders-dlt'));
  assert.deepEqual(failure, {
    reason: null,
    class: 'java.lang.IllegalStateException',
    message: 'Listener failed; no price for order 4711',
    attempts: 4,
    origin: { channel: 'spring.orders', partition: '0', offset: '0' },
    consumer: 'billing',
    at: null,
    sentAt: Date.parse('2026-11-28T02:13:28.675Z'),
    routingKey: null,
  });
  assert.match(stack ?? '', /Caused by: java\.lang\.IllegalStateException/);
  const said = (channel: string) => {
    const { class: exception, attempts, origin, consumer } = failureOf(fromSpring(channel));
    return [exception, attempts, origin.channel, consumer];
  };
  assert.deepEqual(said('spring.parcels-dlt'), [
    'java.lang.IllegalArgumentException',
    3,
    'spring.parcels',
    'shipping',
  ]);
  assert.deepEqual(said('spring.invoices-dlt'), [
    'java.lang.UnsupportedOperationException',
    3,
    'spring.invoices',
    'accounting',
  ]);
  assert.deepEqual(said('spring.numbers-dlt'), [
    'org.springframework.kafka.support.serializer.DeserializationException',
    null,
    'spring.numbers',
    'counting',
  ]);
});

test('what RabbitMQ wrote is read: expired, and delivered too often', () => {
  const failures = captured('rabbitmq.json').map((message) => failureOf(message, readDeath));
  assert.deepEqual(
    failures.map(({ reason, origin }) => [reason, origin.channel]),
    [
      ['expired', 'cap.orders'],
      ['delivery_limit', 'cap.orders'],
    ],
  );
  assert.ok(failures.every(({ at }) => at !== null && at > 1_795_000_000_000));
});

test('a message of Spring’s retry topics goes back as on its first day: its retry state is gone, its failure a fingerprint', () => {
  const records = captured('spring-kafka.json');
  assert.equal(records.length, 5);
  for (const message of records) {
    const { cause, message: outgoing } = redriven(message);
    assert.deepEqual(
      outgoing.headers
        .slice(1)
        .map(({ name, value }) => [
          name,
          value instanceof Uint8Array ? Buffer.from(value).toString() : value,
        ]),
      [
        ['mqctl-failure', cause],
        ['mqctl-redrive', '0123456789abcdef-0;1'],
      ],
      message.channel,
    );
    assert.equal(outgoing.headers[0]?.name, 'trace', 'the sender’s own stays');
    assert.deepEqual([outgoing.key, outgoing.value], [message.key, message.value]);
  }
});

test('where the failure of a message of Spring’s retry topics is kept, its retry state is not', () => {
  const before = fromSpring('spring.orders-dlt').headers.map(({ name }) => name);
  assert.equal(
    before.filter((name) => name === 'retry_topic-attempts').length,
    4,
    'one is added at each hop',
  );
  const kept = redriven(fromSpring('spring.orders-dlt'), 'failure').message.headers.map(({ name }) => name);
  assert.ok(kept.includes('kafka_exception-message') && kept.includes('kafka_original-topic'));
  assert.ok(!kept.some((name) => name.startsWith('retry_topic-')), kept.join());
  const plain = redriven(fromSpring('spring.invoices-dlt'), 'failure').message.headers.map(
    ({ name }) => name,
  );
  assert.ok(plain.includes('kafka_dlt-exception-message') && !plain.includes('kafka_deliveryAttempt'));
});

test('what RabbitMQ and Kafka Connect wrote on a death is taken off on the way back, the rest stays', () => {
  for (const [message, native] of [
    ...captured('rabbitmq.json').map((each) => [each, readDeath] as const),
    ...captured('kafka-connect.json').map((each) => [each, null] as const),
  ])
    assert.deepEqual(
      redriven(message, 'none', native).message.headers.map(({ name }) => name),
      ['trace', 'mqctl-failure', 'mqctl-redrive'],
    );
});
