import type { Declaration } from '../driver.ts';

export const declaration: Declaration = {
  system: 'Apache Kafka',
  schemes: ['kafka', 'kafkas'],
  exampleUrl: 'kafka://localhost:9092',
  channelWord: 'topic',
  facets: {
    publish: {
      deliveries: ['at-most-once', 'at-least-once', 'transactional'],
      orderUnit: 'partition',
      nullValue: true,
      key: true,
      partition: true,
      timestamp: true,
      headers: 'bytes',
      repeatedHeaders: true,
      payload: 'bytes',
      compressions: ['none', 'gzip', 'snappy', 'lz4', 'zstd'],
      properties: [],
      unroutable: false,
      dedupeWindowMs: null,
    },
    look: { costs: ['free'], positions: ['start', 'end', 'offset', 'time', 'group'], partitions: true },
    backlog: { group: 'group', rates: false, oldest: 'message' },
    groups: {},
    positions: { kinds: ['start', 'end', 'offset', 'time', 'group', 'current'] },
    admin: {
      types: ['topic'],
      partitions: true,
      deadLetter: false,
      purge: true,
      settings: ['retention.ms=86400000', 'cleanup.policy=compact', 'replication.factor=3'],
    },
    cluster: {},
  },
  instead: {},
  contextKeys: ['sasl', 'tls', 'addressMap'],
};
