import type { Session } from '../../src/lib/drivers/kafka/session.ts';
import { offsetCommit } from '../../src/lib/drivers/kafka/protocol/groups/offset-commit.ts';

/** Groups that stand at one offset (0) in each partition of a topic, none with a member. */
export async function commitGroups(
  session: Session,
  {
    topic,
    partitions,
    groups,
    standing = () => 0,
  }: {
    readonly topic: string;
    readonly partitions: number;
    readonly groups: number;
    /** The offset at which the group of this number stands. */
    readonly standing?: (group: number) => number;
  },
  signal: AbortSignal,
): Promise<string[]> {
  const names = Array.from({ length: groups }, (_, at) => `${topic}-group-${String(at)}`);
  for (const [at, group] of names.entries()) {
    const offset = BigInt(standing(at));
    const places = Array.from({ length: partitions }, (_, partition) => ({
      partition,
      offset,
      metadata: null,
    }));
    const request = { group, retentionMs: -1, topics: [{ topic, partitions: places }] };
    const answers = await session.sendToCoordinator('group', group, offsetCommit, request, { signal });
    const refused = answers.find(({ errorCode }) => errorCode !== 0);
    if (refused !== undefined)
      throw new Error(`the commit of ${group} was refused: ${String(refused.errorCode)}`);
  }
  return names;
}
