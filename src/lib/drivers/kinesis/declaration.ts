import type { Declaration } from '../driver.ts';

/** What an application's own place is, and where: told whenever a group is asked for that this machine does not know. */
const placesElsewhere =
  "Kinesis keeps no places of readers: mqctl's own are in the state folder of this machine, and the application's checkpoint tables (DynamoDB) are out of scope; to see how far behind a checkpoint is: mqctl lag --channel STREAM --from SHARD:after:SEQUENCE-NUMBER";

/** Amazon Kinesis Data Streams. Partitions are shards, offsets sequence numbers, keys partition keys. */
export const declaration: Declaration = {
  system: 'Amazon Kinesis',
  schemes: ['kinesis'],
  exampleUrl: 'kinesis://eu-west-1',
  channelWord: 'stream',
  facets: {
    publish: {
      deliveries: ['at-least-once'],
      orderUnit: 'key',
      nullValue: false,
      key: true,
      keyText: { maxCharacters: 256 },
      partition: true,
      timestamp: false,
      headers: 'none',
      repeatedHeaders: false,
      payload: 'bytes',
      compressions: [],
      properties: [],
      sentOnly: ['explicitHashKey'],
      routing: null,
      unroutable: false,
      dedupeWindowMs: null,
    },
    look: {
      costs: ['free'],
      positions: ['start', 'end', 'offset', 'after', 'time', 'group'],
      partitions: true,
      uncountable: true,
    },
    claim: {
      group: 'required',
      settle: 'up-to',
      answer: 'settled',
      leaseMs: null,
      releaseCounts: false,
      select: false,
      holdLimit: null,
      memory: 'machine',
    },
    backlog: {
      group: 'group',
      rates: 'none',
      oldest: 'broker',
      commitTimes: false,
      redeliveries: false,
      retentionSetting: null,
      uncounted: true,
      ofPositions: true,
    },
    groups: { undeletable: null, elsewhere: placesElsewhere },
    admin: {
      types: ['provisioned', 'on-demand'],
      partitions: true,
      deadLetter: false,
      purge: false,
      purgeThrough: false,
      settings: ['RetentionPeriodHours=168'],
      unalterable: null,
    },
    cluster: {},
  },
  instead: {
    positions:
      'a place of this machine is set by beginning anew: mqctl groups delete GROUP, then mqctl consume STREAM --group GROUP --from POSITION',
    deadLetters:
      'a stream has no dead letters of its own: the on-failure records of its event-source mapping lie in an SQS queue: mqctl dlq inspect QUEUE -c sqs://REGION',
    atomicMove: 'records are put before their place is noted: at least once',
    lease: 'a stream has no dead letters of its own',
  },
  contextKeys: ['username', 'password', 'tls', 'settings'],
};
