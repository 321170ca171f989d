import { NotFoundError } from '../../errors.ts';
import type { ChannelDescription } from '../driver.ts';
import { summaryOf } from './channels.ts';
import type { GroupStore } from './group-store.ts';
import type { Session } from './session.ts';
import { shardsOf, streamNamed } from './streams.ts';

/** Throws `NotFoundError`, also for one that is being deleted. */
export async function describeStream(
  session: Session,
  store: GroupStore,
  name: string,
  signal: AbortSignal,
): Promise<ChannelDescription> {
  const stream = await streamNamed(session, name, signal);
  if (stream.status === 'DELETING')
    throw new NotFoundError('stream', name, session.target, { hint: 'it is being deleted' });
  const shards = await shardsOf(session, name, signal);
  const groups = (await store.all()).filter((place) => place.stream === name).map(({ group }) => group);
  return {
    ...summaryOf(stream),
    channel: name,
    partitions: shards.length,
    partitionList: shards.map(({ shard, firstSequence, lastSequence }) => ({
      partition: shard,
      start: firstSequence,
      end: lastSequence,
      leader: null,
      replicas: [],
      inSync: [],
    })),
    settings: {
      ARN: stream.arn,
      StreamStatus: stream.status,
      OpenShardCount: String(stream.openShards),
      RetentionPeriodHours: String(stream.retentionHours),
      MaxRecordSizeInKiB: String(stream.recordKiB),
      EncryptionType: stream.encryption ?? 'NONE',
    },
    bindings: [],
    groups,
    deadLetter: null,
    deadLetterOf: [],
    unknown: [
      'messages: Kinesis does not count what it keeps',
      "groups: only this machine's own are known; applications keep their checkpoints elsewhere (DynamoDB)",
      ...(shards.some(({ closed }) => closed)
        ? ['end: known of shards that are closed; one without it is open']
        : ['end: an open shard does not tell its last sequence number']),
    ],
  };
}
