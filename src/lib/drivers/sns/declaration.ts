import type { Declaration } from '../driver.ts';

/**
 * Amazon SNS: standard topics, and FIFO topics, whose names end with `.fifo`. A topic keeps nothing;
 * beside topics, `queue:NAME` is a queue of the same account and region: where dead letters of subscriptions lie.
 */
export const declaration: Declaration = {
  system: 'Amazon SNS',
  schemes: ['sns'],
  exampleUrl: 'sns://eu-west-1',
  channelWord: 'topic',
  facets: {
    publish: {
      deliveries: ['at-least-once'],
      // Of a FIFO topic; a standard one promises none.
      orderUnit: 'message-group',
      nullValue: false,
      emptyValue: false,
      key: false,
      partition: false,
      timestamp: false,
      headers: 'text',
      headerNames: 'token',
      repeatedHeaders: false,
      payload: 'text',
      compressions: [],
      properties: ['groupId', 'deduplicationId'],
      // To a topic the first, to a queue the others.
      sentOnly: ['subject', 'traceHeader', 'envelope'],
      routing: null,
      unroutable: false,
      // Of a FIFO topic.
      dedupeWindowMs: 300_000,
      dedupeProperty: 'deduplicationId',
    },
    // Of a topic, through a queue of our own; of a queue, by receiving.
    look: {
      costs: ['subscription', 'lease'],
      positions: ['start', 'end'],
      partitions: false,
      groupDepth: 10,
    },
    // Of queues alone.
    claim: {
      group: 'none',
      settle: 'each',
      answer: 'settled',
      leaseMs: 30_000,
      releaseCounts: true,
      select: false,
      holdLimit: 20_000,
    },
    // Of queues, too.
    backlog: {
      group: 'channel',
      rates: 'none',
      oldest: 'none',
      redeliveries: false,
      commitTimes: false,
      retentionSetting: null,
    },
    deadLetters: { by: 'removed' },
    admin: {
      types: ['standard', 'fifo'],
      partitions: false,
      deadLetter: false,
      // Of queues.
      purge: true,
      purgeThrough: false,
      settings: ['DisplayName=Orders', 'ContentBasedDeduplication=true'],
      unalterable: null,
    },
    cluster: {},
  },
  instead: {
    groups: '"mqctl describe TOPIC" shows the subscriptions',
    positions: 'a topic keeps nothing to go back to',
    atomicMove: 'a topic passes messages on: at least once',
    lease: 'one operator for each queue is held on this machine only: SQS has nothing to hold it by',
  },
  contextKeys: ['username', 'password', 'tls', 'settings'],
};
