import type { Declaration } from '../driver.ts';

/** Amazon SQS: standard queues, and FIFO queues, whose names end with `.fifo`. */
export const declaration: Declaration = {
  system: 'Amazon SQS',
  schemes: ['sqs'],
  exampleUrl: 'sqs://eu-west-1',
  channelWord: 'queue',
  facets: {
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
