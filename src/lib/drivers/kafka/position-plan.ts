import { FailedError } from '../../errors.ts';
import type { GroupMember, PlannedPosition, PositionPlan, PositionTarget } from '../driver.ts';
import { committedOffsets } from './committed-offsets.ts';
import type { CommittedOffset } from './committed-offsets.ts';
import { describeAll, namedGroups } from './group-directory.ts';
import type { GroupKind } from './group-directory.ts';
import { memberOf } from './groups.ts';
import { eachInFlight } from './in-flight.ts';
import { OffsetResolver, partitionOf } from './offset-resolver.ts';
import { placeKey } from './partition-bounds.ts';
import { alterShareGroupOffsets } from './protocol/groups/alter-share-group-offsets.ts';
import { recordKey, recordTimes } from './record-times.ts';
import type { RecordPlace } from './record-times.ts';
import type { Session } from './session.ts';

/** Memory of a redrive: the committed metadata says which dead letters were resolved (`resolved-offsets.ts`). */
const resolvedPrefix = 'mqctl-dlq.';

export interface GroupStanding {
  readonly kind: GroupKind;
  readonly committed: readonly CommittedOffset[];
  readonly refusal: PositionPlan['refusal'];
}

/** What a group is, where it stands, and whether its positions may be set now. Throws `NotFoundError`. */
export async function groupStanding(
  session: Session,
  group: string,
  signal: AbortSignal,
): Promise<GroupStanding> {
  const known = await namedGroups(session, [group], signal);
  const { described, silent } = await describeAll(session, known, signal);
  const found = described.get(group);
  const [first] = known;
  if (first === undefined || found === undefined) throw silent.get(group) ?? saidNothing(group);
  const offsets = await committedOffsets(session, known, signal);
  const committed = offsets.offsets.get(group);
  if (committed === undefined) throw offsets.silent.get(group) ?? saidNothing(group);
  const { kind, coordinator } = first;
  const members = found.members.map(memberOf);
  const canBeSet =
    kind !== 'share' || (await session.versionAt(coordinator, alterShareGroupOffsets, signal)) !== null;
  return { kind, committed, refusal: refusalOf(group, found.state, members, canBeSet) };
}

function refusalOf(
  group: string,
  state: string,
  members: readonly GroupMember[],
  canBeSet: boolean,
): PositionPlan['refusal'] {
  if (!canBeSet)
    return {
      code: 'UNSUPPORTED',
      reason: `"${group}" is a share group, and this broker cannot set where one begins`,
      hint: 'that came with Kafka 4.1 (KIP-932); until then delete the group and set share.auto.offset.reset',
      members: [],
    };
  if (members.length === 0 && (state === 'Empty' || state === 'Dead')) return null;
  const count = members.length === 1 ? '1 member' : `${String(members.length)} members`;
  return {
    code: 'ACTIVE',
    reason: `the group "${group}" is ${state} with ${count}: they would go on from where they are`,
    hint: 'stop its consumers first',
    members,
  };
}

/** What setting would do, told by the brokers: nothing is joined or written. */
export async function planPositions(
  session: Session,
  group: string,
  targets: readonly PositionTarget[],
  signal: AbortSignal,
): Promise<PositionPlan> {
  const { kind, committed, refusal } = await groupStanding(session, group, signal);
  const byTopic = Map.groupBy(committed, ({ topic }) => topic);
  const notes: string[] = [];
  if (group.startsWith(resolvedPrefix))
    notes.push(
      'this group remembers which dead letters were resolved: set elsewhere, they are taken for unresolved',
    );
  if (kind === 'share')
    notes.push(
      'a share group knows a beginning for each partition: what was acknowledged behind it is read again',
    );
  const leaders = new Map<string, number>();
  const planned = await eachInFlight(targets, async (target) => {
    const topic = await session.topic(target.channel, signal);
    for (const { partition, leader } of topic.partitions)
      leaders.set(placeKey({ topic: topic.topic, partition }), leader);
    const wanted = 'every' in target.to ? null : [...target.to.byPartition.keys()];
    const partitions =
      wanted?.map((name) => partitionOf(topic, name, session.target)) ??
      topic.partitions.map(({ partition }) => partition);
    const here = new Map((byTopic.get(topic.topic) ?? []).map((each) => [each.partition, each]));
    const resolver = await OffsetResolver.open(session, topic, partitions, false, signal);
    const places = await resolver.places(target.to, committedNumbers(here));
    const without = [...places].filter(([, place]) => place === null).map(([partition]) => partition);
    if (without.length > 0)
      notes.push(
        `nothing is committed there, so these stay as they are: ${without.map((each) => `${topic.topic}:${String(each)}`).join(', ')}`,
      );
    return [...places].flatMap(([partition, place]) => {
      if (place === null) return [];
      const { start, end } = resolver.edges.get(partition) ?? { start: 0, end: 0 };
      return [{ topic: topic.topic, partition, place, start, end, now: here.get(partition) ?? null }];
    });
  });
  const all = planned.flat().sort((one, other) => byPlace(one, other));
  const { times } = await recordTimes(
    session,
    all.flatMap((each) => edgesOf(each)),
    leaders,
    signal,
  );
  return {
    group,
    kind,
    positions: all.map((each) => {
      const [first, last] = edgesOf(each);
      const at = (place: RecordPlace | undefined): number | null =>
        place === undefined ? null : (times.get(recordKey(place))?.at ?? null);
      return { ...plannedPosition(each), firstAt: at(first), lastAt: at(last) };
    }),
    refusal,
    undo: kind === 'share' ? 'watermark' : 'exact',
    notes,
  };
}

interface PlannedPlace {
  readonly topic: string;
  readonly partition: number;
  readonly place: number;
  readonly start: number;
  readonly end: number;
  readonly now: CommittedOffset | null;
}

function committedNumbers(here: ReadonlyMap<number, CommittedOffset>): ReadonlyMap<number, number> {
  return new Map(
    [...here].flatMap(([partition, { committed }]): [number, number][] =>
      committed === null ? [] : [[partition, Number(committed)]],
    ),
  );
}

function afterOf({ place, start, end }: PlannedPlace): number {
  return Math.min(Math.max(place, start), end);
}

/** What of the way from here to there is still kept: it begins at the first, and ends before the second. */
function way(each: PlannedPlace): readonly [first: number, end: number] | null {
  const before = each.now?.committed ?? null;
  if (before === null) return null;
  const within = Math.min(Math.max(Number(before), each.start), each.end);
  const after = afterOf(each);
  return [Math.min(within, after), Math.max(within, after)];
}

/** The first and the last message on the way. */
function edgesOf(each: PlannedPlace): RecordPlace[] {
  const between = way(each);
  if (between === null || between[0] >= between[1]) return [];
  const { topic, partition } = each;
  return [
    { topic, partition, offset: BigInt(between[0]) },
    { topic, partition, offset: BigInt(between[1] - 1) },
  ];
}

function plannedPosition(each: PlannedPlace): Omit<PlannedPosition, 'firstAt' | 'lastAt'> {
  const { topic, partition, place, start, end, now } = each;
  const before = now?.committed ?? null;
  const after = afterOf(each);
  const between = way(each);
  return {
    channel: topic,
    partition: String(partition),
    before: before === null ? null : String(before),
    metadata: now?.metadata ?? null,
    after: String(after),
    asked: place === after ? null : String(place),
    start: String(start),
    end: String(end),
    effect: effectOf(before, BigInt(after)),
    messages: between === null ? null : between[1] - between[0],
  };
}

function effectOf(before: bigint | null, after: bigint): PlannedPosition['effect'] {
  if (before === null) return 'unknown';
  if (before === after) return 'none';
  return after < before ? 'again' : 'skipped';
}

function byPlace(one: PlannedPlace, other: PlannedPlace): number {
  if (one.topic !== other.topic) return one.topic < other.topic ? -1 : 1;
  return one.partition - other.partition;
}

function saidNothing(group: string): FailedError {
  return new FailedError(`the coordinator of group "${group}" said nothing about it`, { retriable: true });
}
