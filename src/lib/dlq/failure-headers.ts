/**
 * What frameworks write on a message when they give it up. Data only: `failure.ts` reads by it, `outgoing.ts` cleans by
 * it on the way back.
 *
 * Each header is one of
 * - `failure`: why it died. Removed on the way back; its fingerprint is kept.
 * - `retry-state`: what would make it die again at once (spent attempts, the time a retry time-out counts from).
 * - `payload`: the sender's own. Stays.
 *
 * Where a name ends in `*`, it stands for all that begin so. Names of the plain kind are matched in any case.
 */
import type { Encoding } from './header-values.ts';

export type HeaderRole = 'failure' | 'retry-state' | 'payload';

/** What a header says. The first that is there wins, in the order of the lists below. */
export type Fact =
  | 'reason'
  | 'class'
  | 'message'
  | 'stack'
  | 'attempts'
  | 'channel'
  | 'partition'
  | 'offset'
  | 'last-offset'
  | 'sent'
  | 'routing-key'
  | 'consumer'
  | 'at';

export interface FailureHeader {
  readonly name: string;
  readonly role: HeaderRole;
  readonly fact?: Fact;
  /** `text` where it is left out. */
  readonly encoding?: Encoding;
}

export interface Framework {
  readonly name: string;
  /** Where the names come from. */
  readonly source: string;
  readonly anyCase: boolean;
  readonly headers: readonly FailureHeader[];
}

const failure = (name: string, fact?: Fact, encoding?: Encoding): FailureHeader =>
  header(name, 'failure', fact, encoding);
const retryState = (name: string, fact?: Fact, encoding?: Encoding): FailureHeader =>
  header(name, 'retry-state', fact, encoding);
const payload = (name: string): FailureHeader => header(name, 'payload');

function header(name: string, role: HeaderRole, fact?: Fact, encoding?: Encoding): FailureHeader {
  return {
    name,
    role,
    ...(fact === undefined ? {} : { fact }),
    ...(encoding === undefined ? {} : { encoding }),
  };
}

/** What `mqctl-failure` keeps and `mqctl-redrive` counts is ours and stays; the rest is what our own dead-lettering says. */
export const ownPrefix = 'mqctl-dead-letter-';
/** All of it in one, as a JSON object, where there is little room. */
export const packedHeader = 'mqctl-dead-letter';

export const frameworks: readonly Framework[] = [
  {
    name: 'the embedded broker',
    source: 'this program, after a message was delivered too often',
    anyCase: false,
    // Its facts are read by its driver: they are the system's own words.
    headers: [failure('x-local-death-*')],
  },
  {
    name: 'mqctl',
    source: 'this program',
    anyCase: false,
    headers: [
      failure(`${ownPrefix}reason`, 'reason'),
      failure(`${ownPrefix}class`, 'class'),
      failure(`${ownPrefix}message`, 'message'),
      failure(`${ownPrefix}attempts`, 'attempts', 'number'),
      failure(`${ownPrefix}channel`, 'channel'),
      failure(`${ownPrefix}partition`, 'partition'),
      failure(`${ownPrefix}offset`, 'offset'),
      failure(`${ownPrefix}consumer`, 'consumer'),
      failure(`${ownPrefix}at`, 'at', 'time'),
      failure(`${ownPrefix}sent`, 'sent', 'time'),
      // A program that ends with an error writes its stack there.
      failure(`${ownPrefix}stderr`, 'stack'),
      failure(`${ownPrefix}*`),
      failure(packedHeader),
      payload('mqctl-failure'),
      payload('mqctl-redrive'),
      payload('mqctl-original'),
    ],
  },
  {
    name: 'RabbitMQ',
    source: 'the broker, on dead-lettering: "Dead Letter Exchanges", effects on messages',
    anyCase: false,
    // Its facts are read by its driver, as they are the system's own words.
    headers: [failure('x-death'), failure('x-first-death-*'), failure('x-last-death-*')],
  },
  {
    name: 'Kafka Connect',
    source: 'org.apache.kafka.connect.runtime.errors.DeadLetterQueueReporter (KIP-298)',
    anyCase: false,
    headers: [
      failure('__connect.errors.exception.class.name', 'class'),
      failure('__connect.errors.exception.message', 'message'),
      failure('__connect.errors.exception.stacktrace', 'stack'),
      failure('__connect.errors.topic', 'channel'),
      failure('__connect.errors.partition', 'partition'),
      failure('__connect.errors.offset', 'offset'),
      failure('__connect.errors.connector.name', 'consumer'),
      failure('__connect.errors.stage', 'reason'),
      failure('__connect.errors.*'),
    ],
  },
  {
    name: 'Spring for Apache Kafka',
    source: 'org.springframework.kafka.support.KafkaHeaders, retrytopic.RetryTopicHeaders',
    anyCase: false,
    headers: [
      // The class of the exception is the listener's wrapper; the cause is what happened.
      failure('kafka_dlt-exception-cause-fqcn', 'class'),
      failure('kafka_dlt-exception-fqcn', 'class'),
      failure('kafka_dlt-exception-message', 'message'),
      failure('kafka_dlt-exception-stacktrace', 'stack'),
      failure('kafka_dlt-key-exception-fqcn', 'class'),
      failure('kafka_dlt-key-exception-message', 'message'),
      failure('kafka_dlt-key-exception-stacktrace', 'stack'),
      failure('kafka_dlt-original-topic', 'channel'),
      failure('kafka_dlt-original-partition', 'partition', 'big-endian'),
      failure('kafka_dlt-original-offset', 'offset', 'big-endian'),
      failure('kafka_dlt-original-timestamp', 'sent', 'big-endian-time'),
      failure('kafka_dlt-original-consumer-group', 'consumer'),
      failure('kafka_dlt-*'),
      failure('kafka_exception-cause-fqcn', 'class'),
      failure('kafka_exception-fqcn', 'class'),
      failure('kafka_exception-message', 'message'),
      failure('kafka_exception-stacktrace', 'stack'),
      failure('kafka_exception-*'),
      failure('kafka_key-exception-*'),
      failure('kafka_original-topic', 'channel'),
      failure('kafka_original-partition', 'partition', 'big-endian'),
      failure('kafka_original-offset', 'offset', 'big-endian'),
      failure('kafka_original-timestamp', 'sent', 'big-endian-time'),
      failure('kafka_original-*'),
      failure('springDeserializerException*'),
      // Appended at each hop, the last one on the way to the dead letters: there it is one more than were made.
      retryState('retry_topic-attempts', 'attempts', 'big-endian-next'),
      retryState('retry_topic-original-timestamp', 'sent', 'big-endian-time'),
      retryState('retry_topic-*'),
      retryState('kafka_deliveryAttempt', 'attempts', 'big-endian'),
      retryState('kafka_backoffTimestamp'),
    ],
  },
  {
    name: 'Kafka share groups',
    source: 'KIP-1191',
    anyCase: false,
    headers: [
      failure('__dlq.errors.topic', 'channel'),
      failure('__dlq.errors.partition', 'partition'),
      failure('__dlq.errors.offset', 'offset'),
      failure('__dlq.errors.group', 'consumer'),
      failure('__dlq.errors.message', 'message'),
      failure('__dlq.errors.delivery.count', 'attempts', 'number'),
      failure('__dlq.errors.*'),
    ],
  },
  {
    name: 'MassTransit',
    source: 'MassTransit.MessageHeaders',
    anyCase: false,
    headers: [
      failure('MT-Fault-ExceptionType', 'class'),
      failure('MT-Fault-Message', 'message'),
      failure('MT-Fault-StackTrace', 'stack'),
      failure('MT-Fault-Timestamp', 'at', 'time'),
      failure('MT-Fault-InputAddress', 'channel', 'address'),
      failure('MT-Fault-ConsumerType', 'consumer'),
      failure('MT-Fault-RetryCount', 'attempts', 'number'),
      failure('MT-Fault-*'),
      failure('MT-Reason', 'reason'),
      retryState('MT-Redelivery-Count', 'attempts', 'number'),
      retryState('MT-Retry-*'),
    ],
  },
  {
    name: 'NServiceBus',
    source: 'Particular.net: message headers, error forwarding',
    anyCase: false,
    headers: [
      failure('NServiceBus.ExceptionInfo.ExceptionType', 'class'),
      failure('NServiceBus.ExceptionInfo.Message', 'message'),
      failure('NServiceBus.ExceptionInfo.StackTrace', 'stack'),
      failure('NServiceBus.ExceptionInfo.*'),
      failure('NServiceBus.FailedQ', 'channel', 'address'),
      failure('NServiceBus.TimeOfFailure', 'at', 'time'),
      failure('NServiceBus.ProcessingEndpoint', 'consumer'),
      retryState('NServiceBus.Retries', 'attempts', 'number'),
      retryState('NServiceBus.FLRetries', 'attempts', 'number'),
      retryState('NServiceBus.Retries.*'),
    ],
  },
  {
    name: 'plain headers',
    source: 'what people invent, and Spring Integration and Spring AMQP (RepublishMessageRecoverer)',
    anyCase: true,
    headers: [
      ...[
        'x-exception-class',
        'x-exception-type',
        'x-exception-fqcn',
        'exception-class',
        'exception-type',
        'error-class',
        'error-type',
        'error.class',
      ].map((name) => failure(name, 'class')),
      ...[
        'x-exception-message',
        'exception-message',
        'x-error-message',
        'error-message',
        'error_message',
        'error.message',
        'errormessage',
        'x-exception',
        'x-error',
        'exception',
        'error',
      ].map((name) => failure(name, 'message')),
      ...[
        'x-exception-stacktrace',
        'exception-stacktrace',
        'x-stacktrace',
        'stacktrace',
        'error-stack',
        'x-error-stack',
      ].map((name) => failure(name, 'stack')),
      ...['dlq-reason', 'x-dlq-reason', 'dead-letter-reason', 'x-dead-letter-reason', 'failure-reason'].map(
        (name) => failure(name, 'reason'),
      ),
      ...[
        'x-original-topic',
        'x-original-queue',
        'x-original-channel',
        'original-topic',
        'original-queue',
        'dlq-topic',
        'dlq-source',
      ].map((name) => failure(name, 'channel')),
      ...['x-original-partition', 'original-partition'].map((name) => failure(name, 'partition')),
      ...['x-original-offset', 'original-offset'].map((name) => failure(name, 'offset')),
      ...['x-original-timestamp', 'x-original-timestamp-type', 'x-original-exchange'].map((name) =>
        failure(name),
      ),
      failure('x-original-routingkey', 'routing-key'),
      ...['x-consumer-group', 'failed-consumer', 'x-failed-consumer', 'dlq-consumer'].map((name) =>
        failure(name, 'consumer'),
      ),
      ...['x-failed-at', 'failed-at', 'dlq-timestamp', 'x-dead-lettered-at', 'dead-lettered-at'].map((name) =>
        failure(name, 'at', 'time'),
      ),
      ...[
        'x-retry-count',
        'retry-count',
        'x-retries',
        'retries',
        'x-attempts',
        'attempts',
        'x-attempt',
        'x-delivery-attempts',
      ].map((name) => retryState(name, 'attempts', 'number')),
    ],
  },
];
