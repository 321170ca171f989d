import { MqctlError } from '../../errors.ts';
import type { LastCommit, LastCommits } from '../driver.ts';
import { chunks, eachInFlight } from './in-flight.ts';
import { partitionBounds, placeKey } from './partition-bounds.ts';
import type { PartitionPlace, TopicPlaces } from './partition-bounds.ts';
import { loadCodec } from './protocol/compression.ts';
import { errorCodes, errorName } from './protocol/error-codes.ts';
import { fetchMany } from './protocol/fetch.ts';
import { MalformedError } from './protocol/primitives.ts';
import { readCommit } from './protocol/groups/stored-commit.ts';
import type { StoredCommit } from './protocol/groups/stored-commit.ts';
import { recordBatches } from './protocol/record-batch.ts';
import { decodeRecords } from './protocol/record-decoder.ts';
import type { TopicMetadata } from './protocol/metadata.ts';
import type { Session } from './session.ts';

const topic = '__consumer_offsets';
/** Of one partition in one answer. */
const partitionBytes = 1024 * 1024;
const answerBytes = 8 * 1024 * 1024;
/** A partition that has more to read than so many answers hold is given up: its groups commit too often to be told. */
const rounds = 16;

/**
 * When groups last committed: from the end of `__consumer_offsets`, read by offset, without a group, from the first
 * record of that time on. The login must be allowed to read that topic.
 */
export async function lastCommits(
  session: Session,
  { groups, since }: { readonly groups: readonly string[]; readonly since: number },
  signal: AbortSignal,
): Promise<LastCommits> {
  const { topics } = await session.metadata([topic], signal);
  const [offsets] = topics;
  const unknown = new Map<string, string>();
  if (offsets === undefined || offsets.errorCode !== 0 || offsets.partitions.length === 0) {
    const reason = `${topic}: ${errorName(offsets?.errorCode ?? errorCodes.UNKNOWN_TOPIC_OR_PARTITION)}`;
    return { commits: [], unknown: new Map(groups.map((group) => [group, reason])) };
  }
  const groupsIn = Map.groupBy(groups, (group) => partitionOf(group, offsets.partitions.length));
  const places = [...groupsIn.keys()].map((partition) => ({ topic, partition }));
  const bounds = await partitionBounds(session, places, topics, signal, since);
  const wanted = new Set(groups);
  const latest = new Map<string, LastCommit>();
  const take = ({ group, channel, partition, at }: StoredCommit): void => {
    if (!wanted.has(group)) return;
    const key = JSON.stringify([group, channel, partition]);
    if ((latest.get(key)?.at ?? -1) <= at)
      latest.set(key, { group, channel, partition: String(partition), at });
  };
  const unread = await readTail(session, places, bounds, take, signal);
  for (const [partition, reason] of unread)
    for (const group of groupsIn.get(partition) ?? []) unknown.set(group, reason);
  return { commits: [...latest.values()], unknown };
}

/** Where groups are kept that nobody can tell of now, a sentence; nothing where all have a leader. */
export async function offsetsWithoutLeader(session: Session, signal: AbortSignal): Promise<string[]> {
  const { topics } = await session.metadata([topic], signal);
  const partitions = topics.flatMap((each: TopicMetadata) => each.partitions);
  const lost = partitions.filter(({ leader }) => leader < 0);
  if (lost.length === 0) return [];
  return [
    `groups kept in ${String(lost.length)} of ${String(partitions.length)} partitions of ${topic}: no leader now`,
  ];
}

/** Which partition keeps a group: Java's hash of its name (`Utils.abs(groupId.hashCode) % partitions`). */
function partitionOf(group: string, partitions: number): number {
  let hash = 0;
  for (let at = 0; at < group.length; at++) hash = (Math.imul(hash, 31) + group.charCodeAt(at)) | 0;
  // The smallest number has no positive counterpart in Java: 0 there.
  return (hash === -(2 ** 31) ? 0 : Math.abs(hash)) % partitions;
}

/** Gives each commit to `take`; returns the partitions that could not be read to their end, with the reason. */
async function readTail(
  session: Session,
  places: readonly PartitionPlace[],
  { bounds, leaders }: TopicPlaces,
  take: (commit: StoredCommit) => void,
  signal: AbortSignal,
): Promise<ReadonlyMap<number, string>> {
  const unread = new Map<number, string>();
  let waiting = new Map<number, { readonly from: number; readonly until: number }>();
  for (const place of places) {
    const { recent = null, end = null, problem = null } = bounds.get(placeKey(place)) ?? {};
    if (recent === null || end === null)
      unread.set(place.partition, `${topic}: ${problem ?? 'its end is unknown'}`);
    else if (recent >= 0n && recent < end)
      waiting.set(place.partition, { from: Number(recent), until: Number(end) });
  }
  for (let round = 0; round < rounds && waiting.size > 0; round++) {
    const again = new Map<number, { readonly from: number; readonly until: number }>();
    const byLeader = Map.groupBy(waiting, ([partition]) => leaders.get(placeKey({ topic, partition })) ?? -1);
    const requests = [...byLeader].flatMap(([leader, list]) =>
      chunks(list, answerBytes / partitionBytes).map((part) => ({ leader, part })),
    );
    await eachInFlight(requests, async ({ leader, part }) => {
      const partitions = part.map(([partition, { from }]) => ({
        partition,
        offset: from,
        maxBytes: partitionBytes,
      }));
      try {
        const request = { topics: [{ topic, partitions }], maxWaitMs: 0, maxBytes: answerBytes };
        const answer = await session.send(
          leader,
          fetchMany,
          { ...request, readCommitted: false },
          { signal },
        );
        const fetched = new Map(answer.partitions.map((each) => [each.partition, each]));
        for (const [partition, { from, until }] of part) {
          const each = fetched.get(partition);
          if (each === undefined || each.errorCode !== 0) {
            unread.set(partition, `${topic}: ${errorName(each?.errorCode ?? -1)}`);
            continue;
          }
          const next = await takeCommits(each.records, from, take);
          if (next === from) unread.set(partition, `${topic}: a batch is larger than what is asked for`);
          else if (next < until) again.set(partition, { from: next, until });
        }
      } catch (error) {
        if (!(error instanceof MqctlError) && !(error instanceof MalformedError)) throw error;
        for (const [partition] of part) unread.set(partition, `${topic}: ${error.message}`);
      }
    });
    waiting = again;
  }
  for (const partition of waiting.keys()) unread.set(partition, `${topic}: too many commits to read`);
  return unread;
}

/** Returns where to go on; `from` where nothing whole came. */
async function takeCommits(
  records: Buffer,
  from: number,
  take: (commit: StoredCommit) => void,
): Promise<number> {
  let next = from;
  for (const batch of recordBatches(records)) {
    next = Math.max(next, batch.lastOffset + 1);
    if (batch.control) continue;
    const codec = await loadCodec(batch.compression);
    const bytes = codec === null ? batch.records : codec.decompress(batch.records);
    decodeRecords(bytes, batch, from, Infinity, (_offset, _timestamp, key, value) => {
      const commit = readCommit(key, value);
      if (commit !== null) take(commit);
    });
  }
  return next;
}
