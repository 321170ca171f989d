import type { Declaration } from '../driver.ts';

/** Amazon SQS: standard queues, and FIFO queues, whose names end with `.fifo`. */
export const declaration: Declaration = {
  system: 'Amazon SQS',
  schemes: ['sqs'],
  exampleUrl: 'sqs://eu-west-1',
  channelWord: 'queue',
  facets: {
    publish: {
      deliveries: ['at-least-once', 'at-most-once'],
      // Of a FIFO queue; a standard one promises none.
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
      properties: ['groupId', 'deduplicationId', 'traceHeader'],
      routing: null,
      unroutable: false,
      // Of a FIFO queue.
      dedupeWindowMs: 300_000,
      dedupeProperty: 'deduplicationId',
    },
    // Of a FIFO queue, those in front hide those behind them, ten of a group.
    look: { costs: ['lease'], positions: ['start'], partitions: false, groupDepth: 10 },
    claim: {
      group: 'none',
      settle: 'each',
      answer: 'settled',
      leaseMs: 30_000,
      releaseCounts: true,
      select: false,
      // In flight at once: a FIFO queue takes 20,000, a standard one 120,000.
      holdLimit: 20_000,
    },
    backlog: {
      group: 'channel',
      rates: 'none',
      oldest: 'none',
      // Each message alone has its count: only receiving tells.
      redeliveries: false,
      commitTimes: false,
      retentionSetting: null,
    },
    deadLetters: { by: 'removed' },
    serverMove: {
      limits: [
        'all of them: nothing is filtered, edited or put aside',
        'no journal and no report of single messages: what failed is a number',
        'no canary and no breaker; at most 500 a second; the messages get new ids, and their retention begins anew',
        'cancelling takes nothing back, and one task runs for a queue at a time',
      ],
    },
    admin: {
      types: ['standard', 'fifo'],
      partitions: false,
      deadLetter: true,
      purge: true,
      purgeThrough: false,
      settings: [
        'VisibilityTimeout=30',
        'MessageRetentionPeriod=1209600',
        'maxReceiveCount=5',
        'ContentBasedDeduplication=true',
      ],
      unalterable: null,
    },
    cluster: {},
  },
  instead: {
    groups:
      'who receives from a queue shares it: SQS knows no groups; "mqctl lag --channel QUEUE" shows what waits',
    positions:
      'a queue forgets what was deleted: there is nothing to go back to; archive what may be needed again ("mqctl consume -o ndjson")',
    atomicMove: 'redrive sends before it deletes: at least once',
    lease: 'one operator for each queue is held on this machine only: SQS has nothing to hold it by',
  },
  contextKeys: ['username', 'password', 'tls', 'settings'],
};
