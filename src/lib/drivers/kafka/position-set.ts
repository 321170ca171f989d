import { errorText, UnreachableError } from '../../errors.ts';
import type { PositionChange, PositionOutcome } from '../driver.ts';
import type { GroupKind } from './group-directory.ts';
import { hasMembers } from './groups.ts';
import { chunks } from './in-flight.ts';
import { placeKey } from './partition-bounds.ts';
import { groupStanding } from './position-plan.ts';
import type { GroupStanding } from './position-plan.ts';
import { errorCodes, errorName } from './protocol/error-codes.ts';
import {
  alterShareGroupOffsets,
  deleteShareGroupOffsets,
} from './protocol/groups/alter-share-group-offsets.ts';
import { offsetCommit } from './protocol/groups/offset-commit.ts';
import { offsetDelete } from './protocol/groups/offset-delete.ts';
import type { Session } from './session.ts';

/** So that a request with the longest metadata stays far below what a broker takes. */
const partitionsAtOnce = 1_000;

interface Change {
  readonly topic: string;
  readonly partition: number;
  /** null: nothing committed. */
  readonly position: bigint | null;
  readonly metadata: string | null;
}

/** Error codes by `placeKey`; a text where no answer came. */
type Answers = Map<string, number | string>;

/**
 * Commits as an operator: to the coordinator, with generation −1 and no member id, which it takes for a group without members
 * only. A group of KIP-848 stays one. Share groups have requests of their own.
 */
export async function setPositions(
  session: Session,
  group: string,
  changes: readonly PositionChange[],
  signal: AbortSignal,
): Promise<readonly PositionOutcome[]> {
  const standing = await groupStanding(session, group, signal);
  if (standing.refusal?.code === 'ACTIVE') throw hasMembers(group, 'set');
  const wanted = changes.map(({ channel, partition, position, metadata }): Change => ({
    topic: channel,
    partition: Number(partition),
    position: position === null ? null : BigInt(position),
    metadata,
  }));
  const answers: Answers = new Map();
  const write = standing.kind === 'share' ? setShare : setCommitted;
  await write(session, group, wanted, standing, answers, signal);
  return wanted.map((change) => outcomeOf(answers.get(placeKey(change)), standing.kind));
}

async function setCommitted(
  session: Session,
  group: string,
  changes: readonly Change[],
  _standing: GroupStanding,
  answers: Answers,
  signal: AbortSignal,
): Promise<void> {
  for (const part of chunks(changes, partitionsAtOnce)) {
    const commits = part.flatMap(({ position, ...place }) =>
      position === null ? [] : [{ ...place, position }],
    );
    const unset = part.filter(({ position }) => position === null);
    await answered(part, answers, async () => {
      if (commits.length > 0) {
        const topics = byTopic(commits, ({ partition, position, metadata }) => ({
          partition,
          offset: position,
          metadata: metadata ?? '',
        }));
        const request = { group, retentionMs: -1, topics };
        const outcomes = await session.sendToCoordinator('group', group, offsetCommit, request, { signal });
        for (const outcome of outcomes) answers.set(placeKey(outcome), outcome.errorCode);
      }
      if (unset.length > 0) {
        const request = { group, topics: byTopic(unset, ({ partition }) => partition) };
        const { errorCode, outcomes } = await session.sendToCoordinator(
          'group',
          group,
          offsetDelete,
          request,
          { signal },
        );
        for (const place of unset) answers.set(placeKey(place), errorCode);
        if (errorCode === 0)
          for (const outcome of outcomes) answers.set(placeKey(outcome), outcome.errorCode);
      }
    });
  }
}

/** Share groups forget whole topics only: so the partitions that keep a beginning are set anew after that. */
async function setShare(
  session: Session,
  group: string,
  changes: readonly Change[],
  { committed }: GroupStanding,
  answers: Answers,
  signal: AbortSignal,
): Promise<void> {
  const named = new Set(changes.map(placeKey));
  const forgotten = new Set(changes.filter(({ position }) => position === null).map(({ topic }) => topic));
  const others = committed.filter((place) => forgotten.has(place.topic) && !named.has(placeKey(place)));
  const again = others.map(({ topic, partition, committed: position }) => ({
    topic,
    partition,
    position,
    metadata: null,
  }));
  if (forgotten.size > 0) {
    const unset = changes.filter(({ position }) => position === null);
    await answered(unset, answers, async () => {
      const request = { group, topics: [...forgotten] };
      const { errorCode, outcomes } = await session.sendToCoordinator(
        'group',
        group,
        deleteShareGroupOffsets,
        request,
        { signal },
      );
      const codes = new Map(outcomes.map((outcome) => [outcome.topic, outcome.errorCode]));
      for (const place of unset)
        answers.set(placeKey(place), errorCode === 0 ? (codes.get(place.topic) ?? 0) : errorCode);
    });
  }
  const kept = [...changes, ...again].flatMap(({ position, ...place }) =>
    position === null ? [] : [{ ...place, position }],
  );
  for (const part of chunks(kept, partitionsAtOnce))
    await answered(part, answers, async () => {
      const topics = byTopic(part, ({ partition, position }) => ({ partition, start: position }));
      const { errorCode, outcomes } = await session.sendToCoordinator(
        'group',
        group,
        alterShareGroupOffsets,
        { group, topics },
        { signal },
      );
      for (const place of part) answers.set(placeKey(place), errorCode);
      for (const { topic, partition, errorCode: code } of outcomes)
        if (partition !== null) answers.set(placeKey({ topic, partition }), code);
    });
}

/** Without an answer it is unknown what became of these: said, not thrown, for others may have been set. */
async function answered(
  places: readonly Change[],
  answers: Answers,
  ask: () => Promise<void>,
): Promise<void> {
  try {
    await ask();
  } catch (error) {
    if (!(error instanceof UnreachableError)) throw error;
    for (const place of places)
      if (!answers.has(placeKey(place))) answers.set(placeKey(place), errorText(error));
  }
}

function byTopic<Place extends { readonly topic: string }, Partition>(
  places: readonly Place[],
  toPartition: (place: Place) => Partition,
): { topic: string; partitions: Partition[] }[] {
  return [...Map.groupBy(places, ({ topic }) => topic)].map(([topic, list]) => ({
    topic,
    partitions: list.map(toPartition),
  }));
}

function outcomeOf(answer: number | string | undefined, kind: GroupKind): PositionOutcome {
  if (answer === 0) return { status: 'set' };
  if (typeof answer === 'string') return { status: 'unknown', reason: answer };
  if (answer === undefined) return { status: 'unknown', reason: 'the broker did not mention it' };
  if (answer === errorCodes.UNKNOWN_MEMBER_ID || answer === errorCodes.NON_EMPTY_GROUP)
    return { status: 'refused', reason: 'a consumer has joined meanwhile' };
  if (answer === errorCodes.GROUP_SUBSCRIBED_TO_TOPIC)
    return { status: 'refused', reason: 'the group is subscribed to this topic' };
  return { status: 'refused', reason: `${errorName(answer)} (${kind} group)` };
}
