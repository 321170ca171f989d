import type { Declaration } from '../driver.ts';

const inQueues =
  'what a subscription could not deliver lies in the SQS queue of its redrive policy, which "mqctl describe TOPIC" names with its depth: mqctl dlq inspect QUEUE -c sqs://REGION, and dlq redrive QUEUE --to the queue of the subscription';

/** Amazon SNS: standard topics, and FIFO topics, whose names end with `.fifo`. A topic keeps nothing. */
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
      sentOnly: ['subject'],
      routing: null,
      unroutable: false,
      // Of a FIFO topic.
      dedupeWindowMs: 300_000,
      dedupeProperty: 'deduplicationId',
    },
    look: { costs: ['subscription'], positions: ['end'], partitions: false },
    admin: {
      types: ['standard', 'fifo'],
      partitions: false,
      deadLetter: false,
      purge: false,
      purgeThrough: false,
      settings: ['DisplayName=Orders', 'ContentBasedDeduplication=true'],
      unalterable: null,
    },
  },
  instead: {
    claim:
      'a topic keeps nothing that could be taken: take from the queue that is subscribed to it (-c sqs://REGION), or see what comes with "mqctl consume TOPIC --follow --via-queue"',
    backlog:
      'a topic keeps nothing that could wait: what waits lies in the queues that are subscribed to it, which "mqctl describe TOPIC" names: mqctl lag --channel QUEUE -c sqs://REGION',
    groups: '"mqctl describe TOPIC" shows the subscriptions',
    positions: 'a topic keeps nothing to go back to',
    deadLetters: inQueues,
    atomicMove: 'a topic passes messages on: at least once',
    lease: inQueues,
    cluster: 'AWS tells of no servers: "mqctl context test" says whether it answers',
  },
  contextKeys: ['username', 'password', 'tls', 'settings'],
};
