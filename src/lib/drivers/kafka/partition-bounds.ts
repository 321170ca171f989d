import { UnreachableError } from '../../errors.ts';
import { brokerText } from './group-directory.ts';
import { eachInFlight } from './in-flight.ts';
import { errorCodes, errorName } from './protocol/error-codes.ts';
import { listOffsets, offsetMarks } from './protocol/list-offsets.ts';
import type { TopicMetadata } from './protocol/metadata.ts';
import type { Session } from './session.ts';

export interface PartitionPlace {
  readonly topic: string;
  readonly partition: number;
}

export interface Bounds {
  /** The first offset that is kept; null: unknown. */
  readonly start: bigint | null;
  /** One past the last record that consumers may see; null: unknown. */
  readonly end: bigint | null;
  /** The first record since the time that was asked for; −1: none is so young. null: not asked, or unknown. */
  readonly recent: bigint | null;
  /** Why something is unknown. */
  readonly problem: string | null;
  /** Nobody answers for it now. */
  readonly unreachable: boolean;
}

export interface TopicPlaces {
  /** By `placeKey`. */
  readonly bounds: ReadonlyMap<string, Bounds>;
  /** The leaders' nodes by `placeKey`; −1: none. */
  readonly leaders: ReadonlyMap<string, number>;
}

/** A topic's name has no slash. */
export function placeKey({ topic, partition }: PartitionPlace): string {
  return `${topic}/${String(partition)}`;
}

/** After these the leader is another one now. */
const elsewhere: ReadonlySet<number> = new Set([
  errorCodes.NOT_LEADER_OR_FOLLOWER,
  errorCodes.LEADER_NOT_AVAILABLE,
  errorCodes.FENCED_LEADER_EPOCH,
  errorCodes.UNKNOWN_LEADER_EPOCH,
  errorCodes.REPLICA_NOT_AVAILABLE,
]);

/**
 * The first and the end offset of partitions: two requests for each leader, whatever the number of partitions; a third
 * where `recentSince` is a time, for the first record of that time or later.
 * `topics` is the metadata that names the leaders; a leader that has just changed is looked up and asked once more.
 * Partitions of a leader that does not answer come with the reason, not with an error.
 */
export async function partitionBounds(
  session: Session,
  places: readonly PartitionPlace[],
  topics: readonly TopicMetadata[],
  signal: AbortSignal,
  recentSince: number | null = null,
): Promise<TopicPlaces> {
  const leaders = new Map(leadersOf(topics));
  const bounds = new Map<string, Bounds>();
  const marks = new Map<BoundName, bigint>([
    ['start', offsetMarks.earliest],
    ['end', offsetMarks.latest],
    ...(recentSince === null ? [] : [['recent', BigInt(recentSince)] as const]),
  ]);
  const stale = await ask(session, places, leaders, marks, bounds, signal);
  if (stale.length > 0) {
    const names = [...new Set(stale.map(({ topic }) => topic))];
    const { topics: fresh } = await session.metadata(names, signal);
    for (const [key, leader] of leadersOf(fresh)) leaders.set(key, leader);
    await ask(session, stale, leaders, marks, bounds, signal);
  }
  return { bounds, leaders };
}

function leadersOf(topics: readonly TopicMetadata[]): (readonly [string, number])[] {
  return topics.flatMap(({ topic, partitions }) =>
    partitions.map(({ partition, leader }) => [placeKey({ topic, partition }), leader] as const),
  );
}

/** Fills `bounds`; returns the places whose leader is another one by now. */
async function ask(
  session: Session,
  places: readonly PartitionPlace[],
  leaders: ReadonlyMap<string, number>,
  marks: ReadonlyMap<BoundName, bigint>,
  bounds: Map<string, Bounds>,
  signal: AbortSignal,
): Promise<readonly PartitionPlace[]> {
  const stale = new Map<string, PartitionPlace>();
  const byLeader = Map.groupBy(places, (place) => leaders.get(placeKey(place)) ?? null);
  for (const place of byLeader.get(null) ?? [])
    unknown(bounds, place, 'the partition is not there (any more)');
  for (const place of byLeader.get(-1) ?? []) unknown(bounds, place, 'the partition has no leader now', true);
  const requests = [...byLeader]
    .filter(([leader]) => leader !== null && leader >= 0)
    .flatMap(([leader, list]) =>
      [...marks].map(([bound, at]) => ({ leader: leader ?? -1, list, bound, at })),
    );
  await eachInFlight(requests, async ({ leader, list, bound, at }) => {
    const grouped = Map.groupBy(list, ({ topic }) => topic);
    const topics = [...grouped].map(([topic, partitions]) => ({
      topic,
      partitions: partitions.map(({ partition }) => ({ partition, at })),
    }));
    try {
      const answers = await session.send(leader, listOffsets, { readCommitted: false, topics }, { signal });
      for (const { topic, partition, errorCode, offset } of answers) {
        const place = { topic, partition };
        if (elsewhere.has(errorCode)) stale.set(placeKey(place), place);
        if (errorCode === 0) known(bounds, place, bound, offset);
        // Without the rate all else is still worth having.
        else if (bound !== 'recent') unknown(bounds, place, errorName(errorCode), elsewhere.has(errorCode));
      }
    } catch (error) {
      if (!(error instanceof UnreachableError)) throw error;
      for (const place of list)
        unknown(bounds, place, `${brokerText(session, leader)}: ${error.message}`, true);
    }
  });
  return [...stale.values()];
}

type BoundName = 'start' | 'end' | 'recent';

const nothing: Bounds = { start: null, end: null, recent: null, problem: null, unreachable: false };

function known(bounds: Map<string, Bounds>, place: PartitionPlace, bound: BoundName, offset: bigint): void {
  const key = placeKey(place);
  const before = bounds.get(key) ?? nothing;
  bounds.set(key, { ...before, [bound]: offset, problem: null, unreachable: false });
}

function unknown(
  bounds: Map<string, Bounds>,
  place: PartitionPlace,
  problem: string,
  unreachable = false,
): void {
  const key = placeKey(place);
  bounds.set(key, { ...(bounds.get(key) ?? nothing), problem, unreachable });
}
