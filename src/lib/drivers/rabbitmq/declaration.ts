import type { Declaration } from '../driver.ts';

/** Why a queue has no positions. */
export const noStreamOffsets =
  'a queue forgets what was acknowledged; a stream keeps, for each name of a consumer, the offset that it stored';

/**
 * RabbitMQ, over AMQP 0-9-1. A channel is the name of a queue or of a stream; `exchange:NAME` is an exchange, which can be
 * published to only (`channel-name.ts`).
 *
 * Streams store AMQP 1.0: arrays, tables and decimals in headers, and the property `clusterId`, are refused there; bytes come
 * back as text, `deliveryMode` as 1 or 2.
 *
 * Transactions are not declared, although AMQP 0-9-1 has `tx.select`: RabbitMQ promises atomicity only within one queue,
 * returns what is not routed after the commit made the rest visible, and commits in part when a queue refuses.
 */
export const declaration: Declaration = {
  system: 'RabbitMQ',
  schemes: ['amqp', 'amqps'],
  exampleUrl: 'amqp://user:password@localhost:5672/vhost',
  channelWord: 'queue',
  facets: {
    publish: {
      deliveries: ['at-least-once', 'at-most-once'],
      orderUnit: 'channel',
      nullValue: false,
      key: false,
      partition: false,
      // Whole seconds, in the property of that name.
      timestamp: true,
      headers: 'typed',
      // RabbitMQ 4 sorts headers by name, and of a repeated one keeps the first.
      repeatedHeaders: false,
      payload: 'bytes',
      compressions: [],
      properties: [
        'contentType',
        'contentEncoding',
        'headers',
        'deliveryMode',
        'priority',
        'correlationId',
        'replyTo',
        'expiration',
        'messageId',
        'timestamp',
        'type',
        'userId',
        'appId',
        'clusterId',
        'exchange',
        'routingKey',
      ],
      routing: { prefix: 'exchange:' },
      unroutable: true,
      dedupeWindowMs: null,
    },
    // Queues cost a delivery and know `start` alone; streams are free and know all of these.
    look: {
      costs: ['delivery', 'free'],
      positions: ['start', 'end', 'offset', 'after', 'time'],
      partitions: false,
    },
    claim: {
      group: 'none',
      settle: 'each',
      answer: 'sent',
      // As long as the connection; the broker's `consumer_timeout` (30 minutes by default) cannot be asked for.
      leaseMs: null,
      releaseCounts: true,
      select: false,
      holdLimit: 200_000,
    },
    backlog: {
      group: 'channel',
      rates: 'both',
      oldest: 'message',
      commitTimes: false,
      redeliveries: true,
      retentionSetting: null,
    },
    groups: {
      undeletable:
        'the consumers of a queue are its group: stop them, or delete the queue with "mqctl delete QUEUE"; an offset that is stored in a stream goes when the stream has passed it',
    },
    // Of streams: what consumers with a name have stored, over the stream protocol.
    positions: {
      kinds: ['start', 'end', 'offset', 'after', 'time', 'current', 'group'],
      unset: false,
    },
    deadLetters: { by: 'removed' },
    lease: { scope: 'broker' },
    admin: {
      types: ['quorum', 'classic', 'stream', 'exchange'],
      partitions: false,
      deadLetter: true,
      purge: true,
      purgeThrough: false,
      settings: [
        'x-delivery-limit=20',
        'x-max-length=100000',
        'x-overflow=reject-publish',
        'x-message-ttl=60000',
      ],
      unalterable: null,
    },
    cluster: {},
  },
  instead: {
    atomicMove: 'redrive publishes with a confirm before it acknowledges: at least once',
  },
  contextKeys: ['username', 'password', 'tls', 'sasl', 'managementUrl', 'settings'],
};
