import type { MqctlError } from '../../errors.ts';
import { askCoordinators, groupFailure } from './group-directory.ts';
import type { KnownGroup } from './group-directory.ts';
import { offsetFetch } from './protocol/groups/offset-fetch.ts';
import { describeShareGroupOffsets } from './protocol/groups/share-group-offsets.ts';
import type { Session } from './session.ts';

export interface CommittedOffset {
  readonly topic: string;
  readonly partition: number;
  /** Next to read; null: nothing committed. For a share group: all before it is done with. */
  readonly committed: bigint | null;
  readonly metadata: string | null;
  /** What the broker itself counts as waiting: share groups since KIP-1226. */
  readonly lag: bigint | null;
}

/** What groups have committed, by group. A group that could not be asked is in `silent`, with the reason. */
export async function committedOffsets(
  session: Session,
  groups: readonly KnownGroup[],
  signal: AbortSignal,
): Promise<{
  readonly offsets: ReadonlyMap<string, readonly CommittedOffset[]>;
  readonly silent: ReadonlyMap<string, MqctlError>;
}> {
  const { share = [], other = [] } = Object.groupBy(groups, ({ kind }) =>
    kind === 'share' ? 'share' : 'other',
  );
  const shares = await askCoordinators(session, share, describeShareGroupOffsets, signal);
  const others = await askCoordinators(session, other, offsetFetch, signal, manyGroupsSince);
  const offsets = new Map<string, readonly CommittedOffset[]>();
  const silent = new Map([...shares.silent, ...others.silent]);
  const failure = (group: string, code: number, words: string | null): MqctlError =>
    groupFailure(session, 'read the offsets of', group, code, words);
  for (const [group, { errorCode, errorMessage, partitions }] of shares.answers) {
    if (errorCode !== 0) silent.set(group, failure(group, errorCode, errorMessage));
    else
      offsets.set(
        group,
        partitions
          .filter((each) => each.errorCode === 0)
          .map(({ topic, partition, start, lag }) => ({
            topic,
            partition,
            committed: start < 0n ? null : start,
            metadata: null,
            lag: lag < 0n ? null : lag,
          })),
      );
  }
  for (const [group, answer] of others.answers) {
    if (answer.errorCode !== 0) silent.set(group, failure(group, answer.errorCode, null));
    else
      offsets.set(
        group,
        answer.offsets
          .filter(({ errorCode }) => errorCode === 0)
          .map(({ topic, partition, committed, metadata }) => ({
            topic,
            partition,
            committed: committed < 0n ? null : committed,
            metadata: metadata === '' ? null : metadata,
            lag: null,
          })),
      );
  }
  return { offsets, silent };
}

/** OffsetFetch takes many groups since version 8 (KIP-709). */
const manyGroupsSince = 8;
