import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import test from 'node:test';

import { causeOf } from '../../../src/lib/dlq/cause.ts';
import { readFailure, type Failure, type NativeReader } from '../../../src/lib/dlq/failure.ts';
import { toOutgoing, type KeepHeaders } from '../../../src/lib/dlq/outgoing.ts';
import { readDeath } from '../../../src/lib/drivers/rabbitmq/dead-letters.ts';
import type { Message } from '../../../src/lib/message/message.ts';
import { parseRecord } from '../../../src/lib/message/record-parser.ts';
import { dead } from './samples.ts';

/** See `captured/README.md` for how they were made. */
function capturedList(file: string, field: string): readonly unknown[] {
  const path = new URL(`./captured/${file}`, import.meta.url);
  const document: unknown = JSON.parse(readFileSync(path, 'utf8'));
  assert.ok(typeof document === 'object' && document !== null);
  const list: unknown = new Map<string, unknown>(Object.entries(document)).get(field);
  assert.ok(Array.isArray(list));
  return list;
}

function captured(file: string): Message {
  return dead(
    capturedList(file, 'headers').map((entry) => {
      assert.ok(Array.isArray(entry));
      return { name: String(entry[0]), value: Buffer.from(String(entry[1]), 'base64') };
    }),
    { partition: '0', offset: '0', value: Buffer.from('{}') },
  );
}

const capturedFromRabbit = (): Message[] =>
  capturedList('rabbitmq.json', 'records').map((record) => ({
    ...parseRecord(JSON.stringify(record)),
    channel: 'cap.dlq',
  }));

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

test('what Kafka Connect wrote is read', () => {
  const { stack, ...failure } = failureOf(captured('kafka-connect.json'));
  assert.deepEqual(failure, {
    reason: 'VALUE_CONVERTER',
    class: 'org.apache.kafka.connect.errors.DataException',
    message: 'Converting byte[] to Kafka Connect data failed due to serialization error: ',
    attempts: null,
    origin: { channel: 'orders', partition: '3', offset: '90071992547409931' },
    consumer: 'orders-sink',
    at: null,
    sentAt: null,
    routingKey: null,
  });
  assert.match(stack ?? '', /JsonConverter\.toConnectData/);
});

test('what Spring for Apache Kafka wrote is read: binary numbers, the cause before its wrapper', () => {
  const { stack, ...failure } = failureOf(captured('spring-kafka.json'));
  assert.deepEqual(failure, {
    reason: null,
    class: 'java.lang.IllegalStateException',
    message: 'Listener method could not be invoked; no price for order 4711',
    attempts: 4,
    origin: { channel: 'orders', partition: '2', offset: '4294967300' },
    consumer: 'billing',
    at: null,
    sentAt: 1_795_000_000_000,
    routingKey: null,
  });
  assert.match(stack ?? '', /Caused by: java\.lang\.IllegalStateException/);
});

test('what RabbitMQ wrote is read: expired, and delivered too often', () => {
  const failures = capturedFromRabbit().map((message) => failureOf(message, readDeath));
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
  const message = captured('spring-kafka.json');
  const { cause, message: outgoing } = redriven(message);
  assert.deepEqual(
    outgoing.headers.map(({ name, value }) => [name, value instanceof Uint8Array ? value.toString() : value]),
    [
      ['trace', 'abc'],
      ['mqctl-failure', cause],
      ['mqctl-redrive', '0123456789abcdef-0;1'],
    ],
  );
  const kept = redriven(message, 'failure').message.headers.map(({ name }) => name);
  assert.ok(kept.includes('kafka_dlt-exception-message'));
  assert.ok(!kept.some((name) => name.startsWith('retry_topic-')), kept.join());
});

test('what RabbitMQ and Kafka Connect wrote on a death is taken off on the way back, the rest stays', () => {
  for (const message of capturedFromRabbit())
    assert.deepEqual(
      redriven(message, 'none', readDeath).message.headers.map(({ name }) => name),
      ['trace', 'mqctl-failure', 'mqctl-redrive'],
    );
  assert.deepEqual(
    redriven(captured('kafka-connect.json')).message.headers.map(({ name }) => name),
    ['mqctl-failure', 'mqctl-redrive'],
  );
});
