import assert from 'node:assert/strict';
import test from 'node:test';

import fc from 'fast-check';

import { readFailure, roleOf, type Failure } from '../../../src/lib/dlq/failure.ts';
import { frameworks } from '../../../src/lib/dlq/failure-headers.ts';
import type { DeadLetter, Header } from '../../../src/lib/message/message.ts';
import { anyMessage } from '../message/message-samples.ts';
import { dead, int32, int64, text } from './samples.ts';

const nothing: Failure = {
  reason: null,
  class: null,
  message: null,
  attempts: null,
  origin: { channel: null, partition: null, offset: null },
  consumer: null,
  at: null,
  stack: null,
  sentAt: null,
  routingKey: null,
};

const cases: readonly {
  readonly name: string;
  readonly headers: readonly Header[];
  readonly failure: Partial<Failure>;
}[] = [
  {
    name: 'Kafka Connect, the last of each along a chain of dead-letter queues',
    headers: [
      text('__connect.errors.topic', 'first'),
      text('__connect.errors.topic', 'orders'),
      text('__connect.errors.partition', '3'),
      text('__connect.errors.offset', '90071992547409931'),
      text('__connect.errors.connector.name', 'sink'),
      text('__connect.errors.task.id', '0'),
      text('__connect.errors.stage', 'VALUE_CONVERTER'),
      text('__connect.errors.class.name', 'org.apache.kafka.connect.json.JsonConverter'),
      text('__connect.errors.exception.class.name', 'org.apache.kafka.connect.errors.DataException'),
      text('__connect.errors.exception.message', 'Converting byte[] failed'),
      text('__connect.errors.exception.stacktrace', 'org…DataException\n\tat x'),
    ],
    failure: {
      reason: 'VALUE_CONVERTER',
      class: 'org.apache.kafka.connect.errors.DataException',
      message: 'Converting byte[] failed',
      origin: { channel: 'orders', partition: '3', offset: '90071992547409931' },
      consumer: 'sink',
      stack: 'org…DataException\n\tat x',
    },
  },
  {
    name: 'Spring, with numbers as big-endian bytes and the cause before its wrapper',
    headers: [
      text('kafka_dlt-exception-fqcn', 'org.springframework.kafka.listener.ListenerExecutionFailedException'),
      text('kafka_dlt-exception-cause-fqcn', 'java.lang.IllegalStateException'),
      text('kafka_dlt-exception-message', 'no price'),
      text('kafka_dlt-original-topic', 'orders'),
      int32('kafka_dlt-original-partition', 2),
      int64('kafka_dlt-original-offset', 4_294_967_300n),
      int64('kafka_dlt-original-timestamp', 1_795_000_000_000n),
      text('kafka_dlt-original-timestamp-type', 'CreateTime'),
      text('kafka_dlt-original-consumer-group', 'billing'),
      int32('retry_topic-attempts', 5),
    ],
    failure: {
      class: 'java.lang.IllegalStateException',
      message: 'no price',
      attempts: 4,
      origin: { channel: 'orders', partition: '2', offset: '4294967300' },
      consumer: 'billing',
      sentAt: 1_795_000_000_000,
    },
  },
  {
    name: 'Kafka share groups (built from KIP-1191)',
    headers: [
      text('__dlq.errors.topic', 'orders'),
      text('__dlq.errors.partition', '1'),
      text('__dlq.errors.offset', '7'),
      text('__dlq.errors.group', 'share'),
    ],
    failure: { origin: { channel: 'orders', partition: '1', offset: '7' }, consumer: 'share' },
  },
  {
    name: 'MassTransit (built from its message headers)',
    headers: [
      text('MT-Reason', 'fault'),
      text('MT-Fault-ExceptionType', 'System.TimeoutException'),
      text('MT-Fault-Message', 'timed out'),
      text('MT-Fault-StackTrace', '   at Acme.Orders.Price()'),
      text('MT-Fault-Timestamp', '2026-11-20T10:00:00.0000000Z'),
      text('MT-Fault-InputAddress', 'rabbitmq://broker/shop/orders?durable=true'),
      text('MT-Fault-ConsumerType', 'Acme.OrderConsumer'),
      text('MT-Fault-RetryCount', '5'),
    ],
    failure: {
      reason: 'fault',
      class: 'System.TimeoutException',
      message: 'timed out',
      attempts: 5,
      origin: { channel: 'orders', partition: null, offset: null },
      consumer: 'Acme.OrderConsumer',
      at: Date.parse('2026-11-20T10:00:00Z'),
      stack: '   at Acme.Orders.Price()',
    },
  },
  {
    name: 'NServiceBus (built from its message headers)',
    headers: [
      text('NServiceBus.ExceptionInfo.ExceptionType', 'System.InvalidOperationException'),
      text('NServiceBus.ExceptionInfo.Message', 'no such order'),
      text('NServiceBus.FailedQ', 'orders@HOST1'),
      text('NServiceBus.TimeOfFailure', '2026-11-20 10:00:00:123456 Z'),
      text('NServiceBus.ProcessingEndpoint', 'Sales'),
      text('NServiceBus.Retries', '3'),
    ],
    failure: {
      class: 'System.InvalidOperationException',
      message: 'no such order',
      attempts: 3,
      origin: { channel: 'orders', partition: null, offset: null },
      consumer: 'Sales',
      at: Date.parse('2026-11-20T10:00:00.123Z'),
    },
  },
  {
    name: 'plain headers in any case',
    headers: [
      text('X-Exception-Message', 'boom'),
      text('x-exception-class', 'Boom'),
      text('DLQ-Reason', 'gave up'),
      text('x-original-topic', 'orders'),
      text('x-retry-count', '9'),
    ],
    failure: {
      reason: 'gave up',
      class: 'Boom',
      message: 'boom',
      attempts: 9,
      origin: { channel: 'orders', partition: null, offset: null },
    },
  },
  {
    name: 'our own',
    headers: [
      text('mqctl-dead-letter-class', 'exit status 3'),
      text('mqctl-dead-letter-channel', 'orders'),
      text('mqctl-dead-letter-attempts', '2'),
      text('mqctl-dead-letter-at', '2026-11-20T10:00:00Z'),
    ],
    failure: {
      class: 'exit status 3',
      attempts: 2,
      origin: { channel: 'orders', partition: null, offset: null },
      at: Date.parse('2026-11-20T10:00:00Z'),
    },
  },
];

for (const { name, headers, failure } of cases)
  test(`reads the failure of ${name}`, () => {
    assert.deepEqual(readFailure(dead(headers), null), { ...nothing, ...failure });
  });

test('a system’s own typed numbers and texts are read, too', () => {
  const headers: Header[] = [
    { name: 'x-retry-count', value: { type: 'int64', value: '7' } },
    { name: 'x-exception-class', value: { type: 'bytes', value: Buffer.from('Boom') } },
  ];
  const failure = readFailure(dead(headers), null);
  assert.equal(failure?.attempts, 7);
  assert.equal(failure?.class, 'Boom');
});

test('the system’s own words come first, a framework’s fill what it does not say', () => {
  const own: DeadLetter = {
    reason: 'rejected',
    class: null,
    message: 'not acknowledged after 5 deliveries',
    attempts: 1,
    origin: { channel: 'orders', partition: null, offset: null },
    consumer: null,
    at: 5,
  };
  const headers = [
    text('x-exception-class', 'Boom'),
    text('x-exception-message', 'no'),
    text('x-original-topic', 'lie'),
  ];
  assert.deepEqual(
    readFailure(dead(headers), () => own),
    {
      ...nothing,
      ...own,
      class: 'Boom',
      // The cause, not that the broker gave up.
      message: 'no',
    },
  );
});

test('a message that says nothing about its death has no failure', () => {
  assert.equal(
    readFailure(dead([text('trace', 'abc')]), () => null),
    null,
  );
});

test('a stack trace of megabytes is cut, and odd bytes are no reason to fail', () => {
  const stack = readFailure(dead([text('x-stacktrace', 'é'.repeat(3_000_000))]), null)?.stack;
  assert.ok(stack !== null && stack !== undefined && stack.length <= 64 * 1024);
  fc.assert(fc.property(anyMessage, (message) => void readFailure(message, null)));
  const headers = frameworks.flatMap((framework) => framework.headers.map(({ name }) => name));
  fc.assert(
    fc.property(fc.constantFrom(...headers), fc.uint8Array({ maxLength: 12 }), (name, value) => {
      readFailure(dead([{ name, value }]), null);
    }),
  );
});

test('failure, retry state and payload are told apart', () => {
  const roles = {
    '__connect.errors.anything': 'failure',
    'kafka_dlt-original-topic': 'failure',
    springDeserializerExceptionValue: 'failure',
    'retry_topic-attempts': 'retry-state',
    'retry_topic-original-timestamp': 'retry-state',
    'retry_topic-backoff-timestamp': 'retry-state',
    kafka_deliveryAttempt: 'retry-state',
    'MT-Redelivery-Count': 'retry-state',
    'MT-Activity-Id': 'payload',
    'NServiceBus.Retries': 'retry-state',
    'NServiceBus.MessageId': 'payload',
    'X-Retry-Count': 'retry-state',
    'mqctl-failure': 'payload',
    traceparent: 'payload',
  } as const;
  for (const [name, role] of Object.entries(roles)) assert.equal(roleOf(name), role, name);
});

test('every header of the list is of exactly one role, and none is listed twice in a framework', () => {
  for (const { headers, name } of frameworks) {
    const names = headers.map((header) => header.name);
    assert.equal(new Set(names).size, names.length, name);
  }
});
