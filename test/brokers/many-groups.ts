import type { Session } from '../../src/lib/drivers/kafka/session.ts';
import { offsetCommit } from '../../src/lib/drivers/kafka/protocol/groups/offset-commit.ts';

/** Groups that stand at offset 0 of each partition of a topic, none with a member. */
export async function commitGroups(
  session: Session,
  {
    topic,
    partitions,
    groups,
  }: { readonly topic: string; readonly partitions: number; readonly groups: number },
  signal: AbortSignal,
): Promise<string[]> {
  const names = Array.from({ length: groups }, (_, at) => `${topic}-group-${String(at)}`);
  const places = Array.from({ length: partitions }, (_, partition) => ({
    partition,
    offset: 0n,
    metadata: null,
  }));
  for (const group of names) {
    const request = { group, retentionMs: -1, topics: [{ topic, partitions: places }] };
    const answers = await session.sendToCoordinator('group', group, offsetCommit, request, { signal });
    const refused = answers.find(({ errorCode }) => errorCode !== 0);
    if (refused !== undefined)
      throw new Error(`the commit of ${group} was refused: ${String(refused.errorCode)}`);
  }
  return names;
}
