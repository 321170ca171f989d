import { setTimeout as sleep } from 'node:timers/promises';
import { FailedError } from '../../errors.ts';
import type { MqctlError } from '../../errors.ts';
import { committedOffsets } from './committed-offsets.ts';
import { protocolFailure } from './failures.ts';
import { errorCodes } from './protocol/error-codes.ts';
import { offsetCommit, offsetCommitWithRetention } from './protocol/groups/offset-commit.ts';
import type { Membership } from './protocol/membership/membership.ts';
import { ResolvedSet } from './resolved-set.ts';
import type { Session } from './session.ts';

/** What a commit's metadata may have, unless the broker was told otherwise (`offset.metadata.max.bytes`). */
const largestMetadata = 4096;
const pauseMs = 100;

/** The group that remembers which dead letters of a topic are done with. It never has members. */
export function resolvedGroup(topic: string): string {
  return `mqctl-dlq.${topic}`;
}

export interface KeptOffsets {
  /** By partition; one that is missing has nothing committed. */
  readonly sets: ReadonlyMap<number, ResolvedSet>;
  /** Metadata that somebody else wrote, by partition: kept as long as there is nothing of ours to write. */
  readonly foreign: ReadonlyMap<number, string>;
  /** Names of topics that have the sets of some partitions: those here are only as far as everything is done with. */
  readonly elsewhere: ReadonlyMap<number, string>;
  /** The earliest at which the broker may forget one of them; null: not noted. */
  readonly expiresAt: number | null;
}

/** Reads what a group has committed of a topic. Throws `FailedError` when what we wrote cannot be read. */
export async function readResolved(
  session: Session,
  group: string,
  topic: string,
  signal: AbortSignal,
): Promise<KeptOffsets> {
  const coordinator = (await session.coordinators('group', [group], signal)).get(group) ?? -1;
  const known = [{ group, kind: 'classic', state: null, coordinator } as const];
  const { offsets, silent } = await committedOffsets(session, known, signal);
  const failure = silent.get(group);
  if (failure !== undefined) throw failure;
  const sets = new Map<number, ResolvedSet>();
  const foreign = new Map<number, string>();
  const elsewhere = new Map<number, string>();
  const expiries: number[] = [];
  for (const { topic: each, partition, committed, metadata } of offsets.get(group) ?? []) {
    if (each !== topic || committed === null) continue;
    const decoded = decode(group, topic, partition, Number(committed), metadata);
    sets.set(partition, decoded?.set ?? new ResolvedSet(Number(committed)));
    if (decoded === null && metadata !== null) foreign.set(partition, metadata);
    if (decoded === null) continue;
    if (decoded.keptIn !== null) elsewhere.set(partition, decoded.keptIn);
    if (decoded.expiresAt !== null) expiries.push(decoded.expiresAt);
  }
  return { sets, foreign, elsewhere, expiresAt: expiries.length === 0 ? null : Math.min(...expiries) };
}

export interface CommitPart {
  readonly partition: number;
  readonly offset: bigint;
  readonly metadata: string | null;
}

/**
 * The commit of some partitions: with the sets, or with where they are kept instead. Throws `FailedError` with code
 * `RESOLVED_SET_FULL` when a set has outgrown its metadata.
 */
export function commitParts(
  topic: string,
  sets: ReadonlyMap<number, ResolvedSet>,
  foreign: ReadonlyMap<number, string>,
  expiresAt: number | null,
  keptIn: string | null = null,
): readonly CommitPart[] {
  return [...sets].map(([partition, set]) => {
    if (keptIn !== null)
      return { partition, offset: BigInt(set.watermark), metadata: pointer(keptIn, expiresAt) };
    const metadata = set.encode(expiresAt) ?? foreign.get(partition) ?? null;
    if (metadata !== null && metadata.length > largestMetadata) throw tooLarge(topic, partition);
    return { partition, offset: BigInt(set.watermark), metadata };
  });
}

/** In place of a set: which topic has it. */
function pointer(topic: string, expiresAt: number | null): string {
  return `1t.${expiresAt?.toString(36) ?? ''}.${topic}`;
}

interface Decoded {
  readonly set: ResolvedSet;
  readonly expiresAt: number | null;
  readonly keptIn: string | null;
}

export interface Commit {
  readonly group: string;
  readonly topic: string;
  readonly parts: readonly CommitPart[];
  readonly member: Membership | null;
  /** Milliseconds that the broker is to remember a commit of a group without members; null: its own setting. */
  readonly retentionMs: number | null;
}

/** Commits. Throws `CommitRefused` where the member is one no more, else as `protocolFailure`. */
export async function commit(session: Session, request: Commit, signal: AbortSignal): Promise<void> {
  const { group, topic, parts, member, retentionMs } = request;
  if (parts.length === 0) return;
  const api = retentionMs === null ? offsetCommit : offsetCommitWithRetention;
  const deadline = Date.now() + session.environment.timeoutMs;
  for (;;) {
    const answers = await session.sendToCoordinator(
      'group',
      group,
      api,
      { group, member, retentionMs: retentionMs ?? -1, topics: [{ topic, partitions: parts }] },
      { signal },
    );
    const failure = answers.find(({ errorCode }) => errorCode !== 0);
    if (failure === undefined) return;
    const { errorCode, partition } = failure;
    if (notMember.has(errorCode)) throw new CommitRefused();
    if (errorCode === errorCodes.OFFSET_METADATA_TOO_LARGE) throw tooLarge(topic, partition);
    if (!moved.has(errorCode) || Date.now() > deadline) {
      throw protocolFailure(errorCode, {
        doing: 'commit offsets of',
        kind: 'group',
        name: group,
        where: session.target,
      });
    }
    session.forgetCoordinator('group', group);
    await sleep(pauseMs, undefined, { signal });
  }
}

/** The group went on without this member: what it held is somebody else's. */
export class CommitRefused extends Error {}

const notMember: ReadonlySet<number> = new Set([
  errorCodes.UNKNOWN_MEMBER_ID,
  errorCodes.ILLEGAL_GENERATION,
  errorCodes.REBALANCE_IN_PROGRESS,
]);

const moved: ReadonlySet<number> = new Set([
  errorCodes.NOT_COORDINATOR,
  errorCodes.COORDINATOR_NOT_AVAILABLE,
  errorCodes.COORDINATOR_LOAD_IN_PROGRESS,
]);

function decode(
  group: string,
  topic: string,
  partition: number,
  committed: number,
  metadata: string | null,
): Decoded | null {
  const [, expiry = '', keptIn] = /^1t\.([0-9a-z]{0,12})\.([\w.-]{1,249})$/.exec(metadata ?? '') ?? [];
  if (keptIn !== undefined) {
    const expiresAt = expiry === '' ? null : Number.parseInt(expiry, 36);
    return { set: new ResolvedSet(committed), expiresAt, keptIn };
  }
  try {
    const decoded = ResolvedSet.decode(committed, metadata);
    return decoded === null ? null : { ...decoded, keptIn: null };
  } catch (thrown) {
    if (!(thrown instanceof RangeError)) throw thrown;
    throw new FailedError(
      `what group "${group}" keeps of topic "${topic}", partition ${String(partition)}, cannot be read: ${thrown.message}`,
      { hint: 'a newer mqctl may have written it; resetting the group forgets it', cause: thrown },
    );
  }
}

function tooLarge(topic: string, partition: number): MqctlError {
  return new FailedError(
    `too many single messages of topic "${topic}", partition ${String(partition)}, are resolved between unresolved ones: the set does not fit the commit's metadata`,
    {
      code: 'RESOLVED_SET_FULL',
      hint: 'work front to back: resolve the oldest first; or name a compacted topic as resolvedTopic in the context, which has room for any set',
    },
  );
}
