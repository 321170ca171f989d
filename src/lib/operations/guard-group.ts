/** A group that has members is theirs: joining it would take partitions from them. */
import type { Driver } from '../drivers/driver.ts';
import { UsageError } from '../errors.ts';

/** Throws `UsageError` that names the members; resolves where there are none, or the system has no groups. */
export async function refuseGroupWithMembers(
  driver: Driver,
  group: string,
  signal: AbortSignal,
): Promise<void> {
  if (driver.groups === undefined) return;
  const known = await driver.groups.list({ match: null }, signal);
  if (!known.some((summary) => summary.group === group && summary.members !== 0)) return;
  const { memberList } = await driver.groups.describe(group, signal);
  if (memberList.length === 0) return;
  const members = memberList
    .map(({ client, id, host }) => `${client ?? id}${host === null ? '' : ` at ${host}`}`)
    .join(', ');
  throw new UsageError(`the group "${group}" has members: ${members}`, {
    hint: `to look at what it reads next: --from group:${group}; to join it all the same: --join`,
  });
}
