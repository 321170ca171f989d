import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Api } from '../../../../../../src/lib/drivers/kafka/protocol/api.ts';
import { describeConfigs } from '../../../../../../src/lib/drivers/kafka/protocol/describe-configs.ts';
import { consumerGroupDescribe } from '../../../../../../src/lib/drivers/kafka/protocol/groups/consumer-group-describe.ts';
import { deleteGroups } from '../../../../../../src/lib/drivers/kafka/protocol/groups/delete-groups.ts';
import { describeGroups } from '../../../../../../src/lib/drivers/kafka/protocol/groups/describe-groups.ts';
import { listGroups } from '../../../../../../src/lib/drivers/kafka/protocol/groups/list-groups.ts';
import {
  offsetCommit,
  offsetCommitWithRetention,
} from '../../../../../../src/lib/drivers/kafka/protocol/groups/offset-commit.ts';
import { offsetFetch } from '../../../../../../src/lib/drivers/kafka/protocol/groups/offset-fetch.ts';
import { shareGroupDescribe } from '../../../../../../src/lib/drivers/kafka/protocol/groups/share-group-describe.ts';
import { describeShareGroupOffsets } from '../../../../../../src/lib/drivers/kafka/protocol/groups/share-group-offsets.ts';
import { streamsGroupDescribe } from '../../../../../../src/lib/drivers/kafka/protocol/groups/streams-group-describe.ts';
import { listOffsets } from '../../../../../../src/lib/drivers/kafka/protocol/list-offsets.ts';
import {
  MalformedError,
  ProtocolReader,
  ProtocolWriter,
} from '../../../../../../src/lib/drivers/kafka/protocol/primitives.ts';
import { javaBytes } from './java-bytes.ts';

type Sample = keyof typeof javaBytes;

function isSample(name: string): name is Sample {
  return name in javaBytes;
}

function java(name: string): Buffer {
  assert.ok(isSample(name), name);
  return Buffer.from(javaBytes[name], 'hex');
}

/** Says that ours writes and reads in `versions` what Java does, to the last byte, and refuses every shorter response. */
function same<Request, Response>(
  api: Api<Request, Response>,
  versions: readonly number[],
  request: (version: number) => Request,
  response: (version: number) => Response,
): void {
  for (const version of versions) {
    test(`${api.name} version ${String(version)} is written as Java writes it`, () => {
      const writer = new ProtocolWriter(version >= api.flexibleFrom);
      api.write(writer, request(version), version);
      const written = Buffer.from(writer.finish()).toString('hex');
      assert.equal(written, java(`${api.name} request v${String(version)}`).toString('hex'));
    });
    test(`${api.name} version ${String(version)} is read as Java wrote it`, () => {
      const bytes = java(`${api.name} response v${String(version)}`);
      const reader = new ProtocolReader(bytes, version >= api.flexibleFrom);
      assert.deepEqual(api.read(reader, version), response(version));
    });
    test(`${api.name} version ${String(version)} that ends early is malformed`, () => {
      const bytes = java(`${api.name} response v${String(version)}`);
      const reader = new ProtocolReader(bytes.subarray(0, -2), version >= api.flexibleFrom);
      assert.throws(() => api.read(reader, version), MalformedError);
    });
  }
}

const noMember = { id: 'm-1', instance: null, client: 'c', host: '/10.0.0.1' };

describe('groups', () => {
  same(
    listGroups,
    [0, 4, 5],
    () => null,
    (version) => ({
      errorCode: 0,
      groups: [
        {
          group: 'g',
          protocolType: 'consumer',
          state: version >= 4 ? 'Empty' : null,
          type: version >= 5 ? 'classic' : null,
        },
      ],
    }),
  );

  same(
    describeGroups,
    [0, 4, 6],
    () => ['g', 'h'],
    (version) => [
      {
        errorCode: 0,
        errorMessage: null,
        group: 'g',
        state: 'Stable',
        subscribed: ['t', 'u'],
        members: [
          {
            ...noMember,
            instance: version >= 4 ? 'static' : null,
            assignment: [{ topic: 't', partitions: [0, 2] }],
          },
          // Its assignment, made by a client, claims two thousand million topics.
          { ...noMember, id: 'm-2', host: '/10.0.0.2', assignment: [] },
        ],
      },
    ],
  );

  const missing = {
    errorCode: 69,
    errorMessage: 'Group h not found.',
    group: 'h',
    state: '',
    members: [],
    subscribed: [],
  };

  same(
    consumerGroupDescribe,
    [0, 1],
    () => ['g'],
    () => [
      {
        errorCode: 0,
        errorMessage: null,
        group: 'g',
        state: 'Stable',
        subscribed: ['t'],
        members: [{ ...noMember, instance: 'static', assignment: [{ topic: 't', partitions: [1, 3] }] }],
      },
      missing,
    ],
  );

  same(
    shareGroupDescribe,
    [1],
    () => ['g'],
    () => [
      {
        errorCode: 0,
        errorMessage: null,
        group: 'g',
        state: 'Stable',
        subscribed: ['t'],
        members: [{ ...noMember, assignment: [{ topic: 't', partitions: [1, 3] }] }],
      },
    ],
  );

  same(
    streamsGroupDescribe,
    [0],
    () => ['g'],
    () => [
      {
        errorCode: 0,
        errorMessage: null,
        group: 'g',
        state: 'Stable',
        subscribed: ['t', 'repart'],
        members: [
          {
            ...noMember,
            assignment: [
              { topic: 't', partitions: [0, 1] },
              { topic: 'repart', partitions: [0, 1] },
            ],
          },
        ],
      },
      { ...missing, errorMessage: null },
    ],
  );

  same(
    deleteGroups,
    [0, 2],
    () => ['g'],
    () => [{ group: 'g', errorCode: 68 }],
  );
});

describe('offsets', () => {
  same(
    describeShareGroupOffsets,
    [0, 1],
    () => ['g'],
    (version) => [
      {
        group: 'g',
        errorCode: 0,
        errorMessage: null,
        partitions: [{ topic: 't', partition: 2, start: 5n, lag: version >= 1 ? 3n : -1n, errorCode: 0 }],
      },
    ],
  );

  const committed = { topic: 't', partition: 1, committed: 42n, metadata: 'note', errorCode: 0 };

  same(
    offsetFetch,
    [2, 7, 8, 9],
    (version) => (version < 8 ? ['g'] : ['g', 'h']),
    (version) =>
      version < 8
        ? [{ group: null, errorCode: 0, offsets: [committed] }]
        : [
            { group: 'g', errorCode: 0, offsets: [committed] },
            { group: 'h', errorCode: 30, offsets: [] },
          ],
  );

  const commit = (retentionMs: number) => ({
    group: 'g',
    retentionMs,
    topics: [{ topic: 't', partitions: [{ partition: 1, offset: 42n, metadata: 'note' }] }],
  });
  const unknownMember = [{ topic: 't', partition: 1, errorCode: 25 }];

  same(
    offsetCommit,
    [6, 8, 9],
    () => commit(-1),
    () => unknownMember,
  );

  same(
    offsetCommitWithRetention,
    [2, 4],
    () => commit(60_000),
    () => unknownMember,
  );

  same(
    listOffsets,
    [2, 5, 6, 9],
    () => ({ readCommitted: true, topics: [{ topic: 't', partitions: [{ partition: 1, at: -1n }] }] }),
    () => [{ topic: 't', partition: 1, errorCode: 0, timestamp: -1n, offset: 42n }],
  );
});

describe('settings', () => {
  same(
    describeConfigs,
    [1, 3, 4],
    () => ({ resource: 'topic' as const, names: ['t'], settings: ['retention.ms'] }),
    () => [
      {
        errorCode: 0,
        errorMessage: '',
        name: 't',
        settings: [{ name: 'retention.ms', value: '60000', readOnly: false, source: 1, ofTopic: true }],
      },
    ],
  );
});
