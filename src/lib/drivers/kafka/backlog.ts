import { FailedError, UnreachableError } from '../../errors.ts';
import type { MqctlError } from '../../errors.ts';
import type { Backlog, GroupBacklog, LastCommits, PartitionBacklog } from '../driver.ts';
import { lastCommits, offsetsWithoutLeader } from './commit-times.ts';
import { committedOffsets } from './committed-offsets.ts';
import type { CommittedOffset } from './committed-offsets.ts';
import { allGroups, describeAll, namedGroups } from './group-directory.ts';
import type { Directory, KnownGroup } from './group-directory.ts';
import { eachInFlight } from './in-flight.ts';
import { memberId } from './groups.ts';
import { partitionBounds, placeKey } from './partition-bounds.ts';
import type { Bounds, PartitionPlace, TopicPlaces } from './partition-bounds.ts';
import type { DescribedGroup, DescribedMember } from './protocol/groups/described-group.ts';
import type { TopicMetadata } from './protocol/metadata.ts';
import { recordKey, recordTimes } from './record-times.ts';
import type { RecordTimes } from './record-times.ts';
import type { Session } from './session.ts';
import { transactionalPartitions } from './transactional-partitions.ts';
import { topicRetention } from './topic-retention.ts';
import type { TopicRetention } from './topic-retention.ts';

/** One group's partitions of one topic, before anything is known about them. */
interface GroupTopic {
  readonly known: KnownGroup;
  readonly described: DescribedGroup | undefined;
  readonly topic: string;
  readonly committed: ReadonlyMap<number, CommittedOffset>;
  readonly holders: ReadonlyMap<number, readonly DescribedMember[]>;
  /** Those that it committed to or holds; of a topic that it subscribes to, all. */
  readonly partitions: readonly number[];
}

/** The rate of what comes in is that of the records of so long, by their own times. */
const rateWindowMs = 5 * 60_000;

interface TopicFacts {
  readonly rateSince: number;
  readonly places: TopicPlaces;
  readonly retention: ReadonlyMap<string, TopicRetention>;
  readonly oldest: RecordTimes;
  /** Of those in which something waits: where transactions were written of late. */
  readonly transactional: ReadonlySet<string>;
}

/**
 * What groups have not read yet. Joins nothing, commits nothing. Requests grow with brokers and groups: groups are
 * listed by broker, asked by coordinator many at once, offsets and records asked by leader.
 *
 * `waiting` is end − committed by offsets, where records are missing in between (compaction, aborted or control records of
 * transactions) more than there are: then `approximate`. Transactions are seen in the batch at the committed offset, and by who
 * wrote to the partition of late.
 * The end is the high watermark: what an open transaction has written counts as waiting.
 */
export class KafkaBacklog implements Backlog {
  readonly #session: Session;

  constructor(session: Session) {
    this.#session = session;
  }

  async read(
    request: { readonly groups: readonly string[] | null; readonly channels: readonly string[] | null },
    signal: AbortSignal,
  ): Promise<readonly GroupBacklog[]> {
    const session = this.#session;
    // A named topic that is missing is an error before anything else is asked.
    for (const channel of request.channels ?? []) await session.topic(channel, signal);
    const directory = await this.#directory(request.groups, signal);
    const [{ described, silent: undescribed }, { offsets, silent }] = await Promise.all([
      describeAll(session, directory.groups, signal),
      committedOffsets(session, directory.groups, signal),
    ]);
    const failures = (request.groups ?? []).flatMap((group) => silent.get(group) ?? []);
    // A coordinator that does not answer takes nothing from the groups of the others.
    const failure = failures.find((each) => !isOutage(each)) ?? failures[0];
    if (failure !== undefined && (!isOutage(failure) || failures.length === directory.groups.length))
      throw failure;
    const wanted = request.channels === null ? null : new Set(request.channels);
    const names = new Set(
      directory.groups.flatMap(({ group }) => topicNames(offsets.get(group), described.get(group))),
    );
    const asked = [...names].filter((name) => wanted?.has(name) ?? true);
    const topics = asked.length === 0 ? [] : (await session.metadata(asked, signal)).topics;
    const byName = new Map(topics.map((topic) => [topic.topic, topic]));
    const groupTopics = directory.groups.flatMap((known) =>
      topicsOf(known, described.get(known.group), offsets.get(known.group) ?? [], byName),
    );
    const facts = await this.#facts(groupTopics, topics, signal);
    const missing = sortOut([...silent.values()]);
    missing.unreachable.unshift(...directory.unreachable);
    if (groupTopics.length === 0 && missing.unreachable.length + missing.unknown.length > 0) {
      const words = [...missing.unreachable, ...missing.unknown].join('; ');
      throw new FailedError(`the backlog is unknown: ${words}`, { retriable: true });
    }
    return groupTopics
      .map((each) => {
        const failure = undescribed.get(each.known.group);
        const members = sortOut(failure === undefined ? [] : [failure], 'members: ');
        return groupBacklog(each, facts, {
          unknown: [...members.unknown, ...missing.unknown],
          unreachable: [...members.unreachable, ...missing.unreachable],
        });
      })
      .sort(
        (one, other) => compare(one.group ?? '', other.group ?? '') || compare(one.channel, other.channel),
      );
  }

  async lastCommits(
    request: { readonly groups: readonly string[]; readonly since: number },
    signal: AbortSignal,
  ): Promise<LastCommits> {
    return lastCommits(this.#session, request, signal);
  }

  async #directory(names: readonly string[] | null, signal: AbortSignal): Promise<Directory> {
    if (names !== null) return this.#named(names, signal);
    const { groups, unreachable } = await allGroups(this.#session, signal);
    return { groups, unreachable: [...unreachable, ...(await offsetsWithoutLeader(this.#session, signal))] };
  }

  /** Throws for a group that is not there or not to be seen; and where no coordinator answers. */
  async #named(names: readonly string[], signal: AbortSignal): Promise<Directory> {
    const session = this.#session;
    try {
      return { groups: await namedGroups(session, names, signal), unreachable: [] };
    } catch (error) {
      if (!isOutage(error) || names.length === 1) throw error;
    }
    const unreachable: MqctlError[] = [];
    const found = await eachInFlight([...new Set(names)], async (name) => {
      try {
        return await namedGroups(session, [name], signal);
      } catch (error) {
        if (!isOutage(error)) throw error;
        unreachable.push(error);
        return [];
      }
    });
    const [first] = unreachable;
    if (first !== undefined && found.flat().length === 0) throw first;
    return { groups: found.flat(), unreachable: unreachable.map(({ message }) => message) };
  }

  async #facts(
    groupTopics: readonly GroupTopic[],
    topics: readonly TopicMetadata[],
    signal: AbortSignal,
  ): Promise<TopicFacts> {
    const places = new Map<string, PartitionPlace>();
    for (const { topic, partitions } of groupTopics) {
      for (const partition of partitions) places.set(placeKey({ topic, partition }), { topic, partition });
    }
    const names = [...new Set(groupTopics.map(({ topic }) => topic))];
    const rateSince = Date.now() - rateWindowMs;
    const [bounds, retention] = await Promise.all([
      partitionBounds(this.#session, [...places.values()], topics, signal, rateSince),
      topicRetention(this.#session, names, signal),
    ]);
    const asked = groupTopics.flatMap(({ topic, committed }) =>
      [...committed.values()].flatMap((offset) => {
        const place = { topic, partition: offset.partition };
        const next = nextOffset(offset, bounds, place);
        return next === null ? [] : [{ ...place, offset: next }];
      }),
    );
    const behind = [...new Map(asked.map((place) => [placeKey(place), place])).values()];
    const [oldest, transactional] = await Promise.all([
      recordTimes(this.#session, asked, bounds.leaders, signal),
      transactionalPartitions(this.#session, behind, bounds.leaders, signal),
    ]);
    return { places: bounds, retention, oldest, transactional, rateSince };
  }
}

/** What passes: nobody answers, or a partition of the groups' own topic has no leader. */
function isOutage(error: unknown): error is MqctlError {
  return error instanceof UnreachableError || (error instanceof FailedError && error.retriable);
}

/** The offset of the oldest record that waits; null: none waits, or unknown. */
function nextOffset(
  { committed, lag }: CommittedOffset,
  places: TopicPlaces,
  place: PartitionPlace,
): bigint | null {
  const { start = null, end = null } = places.bounds.get(placeKey(place)) ?? {};
  // A share group's start stays behind for a while after all was read: then the broker's count is right.
  if (committed === null || end === null || lag === 0n) return null;
  // What was before the start is gone: nobody reads it any more.
  const next = start !== null && start > committed ? start : committed;
  return next < end ? next : null;
}

function topicNames(
  offsets: readonly CommittedOffset[] | undefined,
  described: DescribedGroup | undefined,
): string[] {
  return [
    ...(offsets ?? []).map(({ topic }) => topic),
    ...(described?.subscribed ?? []),
    ...(described?.members ?? []).flatMap(({ assignment }) => assignment.map(({ topic }) => topic)),
  ];
}

/** One for each of its topics that was asked about (`metadata` holds those). */
function topicsOf(
  known: KnownGroup,
  described: DescribedGroup | undefined,
  offsets: readonly CommittedOffset[],
  metadata: ReadonlyMap<string, TopicMetadata>,
): GroupTopic[] {
  const committedIn = Map.groupBy(offsets, ({ topic }) => topic);
  const held = (described?.members ?? []).flatMap((member) =>
    member.assignment.flatMap(({ topic, partitions }) =>
      partitions.map((partition) => ({ topic, partition, member })),
    ),
  );
  const heldIn = Map.groupBy(held, ({ topic }) => topic);
  const subscribed = new Set(described?.subscribed);
  const names = [...new Set(topicNames(offsets, described))].filter((name) => metadata.has(name));
  return names.map((topic) => {
    const committed = new Map((committedIn.get(topic) ?? []).map((each) => [each.partition, each]));
    const holders = new Map(
      [...Map.groupBy(heldIn.get(topic) ?? [], ({ partition }) => partition)].map(([partition, list]) => [
        partition,
        list.map(({ member }) => member),
      ]),
    );
    const all = subscribed.has(topic) ? (metadata.get(topic)?.partitions ?? []) : [];
    const partitions = new Set([
      ...committed.keys(),
      ...holders.keys(),
      ...all.map(({ partition }) => partition),
    ]);
    return {
      known,
      described,
      topic,
      committed,
      holders,
      partitions: [...partitions].sort((one, other) => one - other),
    };
  });
}

interface Missing {
  readonly unknown: readonly string[];
  readonly unreachable: readonly string[];
}

/** Those who did not answer, and those who answered that they will not tell. */
function sortOut(failures: readonly MqctlError[], about = ''): { unknown: string[]; unreachable: string[] } {
  const { unreachable = [], unknown = [] } = Object.groupBy(failures, (failure) =>
    isOutage(failure) ? 'unreachable' : 'unknown',
  );
  const words = (errors: readonly MqctlError[]) => errors.map(({ message }) => `${about}${message}`);
  return { unknown: words(unknown), unreachable: words(unreachable) };
}

function groupBacklog(group: GroupTopic, facts: TopicFacts, missing: Missing): GroupBacklog {
  const { known, described, topic } = group;
  const retention = facts.retention.get(topic);
  const problems = { unknown: new Map<string, number[]>(), unreachable: new Map<string, number[]>() };
  const unaged = new Map<string, number[]>();
  let gaps = retention?.compacted ?? false;
  const partitions = group.partitions.map((partition): PartitionBacklog => {
    const place = { topic, partition };
    const bounds = facts.places.bounds.get(placeKey(place));
    const { start = null, end = null, problem = null } = bounds ?? {};
    if (problem !== null) {
      const kind = problems[bounds?.unreachable === true ? 'unreachable' : 'unknown'];
      kind.set(problem, [...(kind.get(problem) ?? []), partition]);
    }
    const offset = group.committed.get(partition);
    const committed = offset?.committed ?? null;
    const next = offset === undefined ? null : nextOffset(offset, facts.places, place);
    const time =
      next === null ? null : (facts.oldest.times.get(recordKey({ ...place, offset: next })) ?? null);
    const untimed = facts.oldest.problems.get(placeKey(place));
    if (next !== null && time === null && untimed !== undefined)
      unaged.set(untimed, [...(unaged.get(untimed) ?? []), partition]);
    gaps ||= next !== null && (time?.transactional === true || facts.transactional.has(placeKey(place)));
    return {
      partition: String(partition),
      committed: text(committed),
      start: text(start),
      end: text(end),
      waiting: waiting(committed, next, end, offset?.lag ?? null),
      inFlight: null,
      oldest: time === null ? null : { at: time.at, clock: time.clock },
      owner: owner(group.holders.get(partition) ?? []),
      rateIn: rateIn(bounds, facts.rateSince),
      rateOut: null,
      lost: lost(known, committed, start),
      retentionMs: retention?.retentionMs ?? null,
    };
  });
  const words = (list: ReadonlyMap<string, readonly number[]>) =>
    [...list].map(([problem, which]) => `${partitionList(which)} of ${topic}: ${problem}`);
  const unknown = [...words(problems.unknown), ...words(unaged).map((each) => `oldest: ${each}`)];
  if (retention !== undefined && retention.problem !== null) unknown.push(`retention: ${retention.problem}`);
  return {
    group: known.group,
    channel: topic,
    kind: known.kind,
    state: described?.state ?? known.state,
    members: described?.members.length ?? null,
    partitions,
    approximate: gaps,
    boundedBySize: retention?.boundedBySize ?? false,
    notYetCounted: false,
    unknown: [...unknown, ...missing.unknown],
    unreachable: [...words(problems.unreachable), ...missing.unreachable],
  };
}

/** Messages a second, by the records' own times; null: unknown. */
function rateIn(bounds: Bounds | undefined, since: number): number | null {
  if (bounds === undefined || bounds.recent === null || bounds.end === null) return null;
  const records = bounds.recent < 0n ? 0 : Number(bounds.end - bounds.recent);
  return records / ((Date.now() - since) / 1_000);
}

/** A share group's start follows the log's own. */
function lost({ kind }: KnownGroup, committed: bigint | null, start: bigint | null): number | null {
  if (kind === 'share') return 0;
  if (committed === null || start === null) return null;
  return start > committed ? Number(start - committed) : 0;
}

function waiting(
  committed: bigint | null,
  next: bigint | null,
  end: bigint | null,
  lag: bigint | null,
): number | null {
  if (lag !== null) return Number(lag);
  if (committed === null || end === null) return null;
  return next === null ? 0 : Number(end - next);
}

/** Null where several share it: share groups. */
function owner(holders: readonly DescribedMember[]): string | null {
  const [first, ...others] = holders;
  return first === undefined || others.length > 0 ? null : memberId(first);
}

function partitionList(partitions: readonly number[]): string {
  return `${partitions.length === 1 ? 'partition' : 'partitions'} ${partitions.join(', ')}`;
}

function text(offset: bigint | null): string | null {
  return offset === null ? null : String(offset);
}

function compare(one: string, other: string): number {
  return one < other ? -1 : one > other ? 1 : 0;
}
