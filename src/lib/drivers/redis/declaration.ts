import type { Declaration } from '../driver.ts';

/**
 * Redis Streams, of Redis and Valkey, alone, behind Sentinel or in a cluster. A channel is the key of a stream;
 * `STREAM/GROUP/dead` is what a group was given again and again and did not acknowledge (`channel-name.ts`).
 */
export const declaration: Declaration = {
  system: 'Redis Streams',
  schemes: ['redis', 'rediss'],
  exampleUrl: 'redis://localhost:6379',
  channelWord: 'stream',
  facets: {
    publish: {
      deliveries: ['at-least-once', 'at-most-once'],
      orderUnit: 'channel',
      nullValue: true,
      key: true,
      partition: false,
      // The time of an entry is a part of its id, which the server gives.
      timestamp: false,
      headers: 'bytes',
      repeatedHeaders: true,
      payload: 'bytes',
      compressions: [],
      properties: ['fields'],
      routing: null,
      unroutable: false,
      dedupeWindowMs: null,
    },
    look: {
      costs: ['free'],
      positions: ['start', 'end', 'offset', 'after', 'id', 'time', 'group'],
      partitions: false,
    },
    claim: {
      group: 'optional',
      settle: 'each',
      answer: 'settled',
      leaseMs: 30_000,
      releaseCounts: false,
      // A group that has not come to an entry would be given it again, whatever was settled before.
      select: 'channel',
      holdLimit: null,
    },
    backlog: {
      group: 'group',
      rates: 'none',
      oldest: 'message',
      commitTimes: false,
      redeliveries: 'pending',
      retentionSetting: null,
    },
    groups: { undeletable: null },
    positions: { kinds: ['start', 'end', 'offset', 'after', 'id', 'time', 'group'], unset: false },
    deadLetters: { by: 'removed' },
    atomicMove: { scope: 'streams of one server, in a cluster those of one slot' },
    lease: { scope: 'broker' },
    admin: {
      types: ['stream'],
      partitions: false,
      deadLetter: false,
      purge: true,
      purgeThrough: false,
      settings: [],
      unalterable: 'a stream of Redis has no settings: whoever adds to it trims it; "mqctl purge" empties it',
    },
    cluster: {},
  },
  instead: {},
  contextKeys: ['username', 'password', 'tls', 'addressMap', 'settings'],
};
