import type { Declaration } from '../driver.ts';

/**
 * NATS JetStream. A channel is a stream (`ORDERS`), a subject that a stream captures (`orders.new`, `orders.*`), or what one
 * consumer gave up (`ORDERS/billing/dead`, `channel-name.ts`).
 */
export const declaration: Declaration = {
  system: 'NATS JetStream',
  schemes: ['nats', 'nats+tls', 'tls'],
  exampleUrl: 'nats://localhost:4222',
  channelWord: 'stream',
  facets: {
    publish: {
      deliveries: ['at-least-once', 'at-most-once'],
      orderUnit: 'channel',
      nullValue: false,
      key: false,
      partition: false,
      timestamp: false,
      headers: 'text',
      // Printable ASCII without a colon: names as others have them are.
      headerNames: 'token',
      // Repetitions of one name keep their order among themselves, not among other names: the client groups them.
      repeatedHeaders: false,
      payload: 'bytes',
      compressions: [],
      properties: ['subject', 'messageId', 'ttl'],
      routing: null,
      unroutable: false,
      dedupeWindowMs: 120_000,
      dedupeProperty: 'messageId',
      addressedBy: 'subject',
    },
    requests: { delivery: 'at-most-once', severalReplies: true },
    look: {
      costs: ['free'],
      positions: ['start', 'end', 'offset', 'after', 'time', 'group'],
      partitions: false,
    },
    claim: {
      group: 'optional',
      settle: 'each',
      answer: 'settled',
      leaseMs: 30_000,
      releaseCounts: true,
      select: 'channel',
      rejects: ['group'],
      holdLimit: null,
    },
    backlog: {
      group: 'group',
      rates: 'none',
      oldest: 'message',
      commitTimes: false,
      redeliveries: 'pending',
      retentionSetting: 'max_age',
    },
    groups: { undeletable: null },
    positions: {
      kinds: ['start', 'end', 'offset', 'after', 'time', 'group', 'current'],
      unset: false,
      undo: 'watermark',
    },
    deadLetters: { by: 'removed', originals: 'stay', capture: true },
    lease: { scope: 'broker' },
    admin: {
      types: ['stream'],
      partitions: false,
      deadLetter: false,
      purge: true,
      purgeThrough: false,
      settings: [
        'subjects=orders.>,returns.>',
        'retention=workqueue',
        'max_age=24h',
        'max_bytes=1073741824',
        'num_replicas=3',
      ],
      unalterable: null,
    },
    cluster: {},
  },
  instead: {
    atomicMove: 'redrive publishes with an id and an answer before it removes: at least once',
  },
  contextKeys: ['username', 'password', 'tls', 'settings'],
};
