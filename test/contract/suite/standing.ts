/** Groups that stand somewhere and have members: made by claims, or by clients of the system's own where mqctl claims for no group. */
import assert from 'node:assert/strict';
import type { Need } from './contract-case.ts';
import { numbered, textsOf } from './messages.ts';
import { end, from } from './workbench.ts';
import type { Workbench } from './workbench.ts';

export const standsGroups: Need = ({ facets, channel }) =>
  (facets.claim?.group ?? 'none') === 'none' && channel.readers === undefined
    ? 'nothing stands for a group'
    : null;

/** A group without members that has settled the first `settled` of `count`. */
export async function standing(
  bench: Workbench,
  count: number,
  settled: number,
): Promise<{ readonly channel: string; readonly group: string }> {
  const channel = await bench.filled(numbered(count));
  const group = bench.name('group');
  const { readers } = bench.column.channel;
  if (readers !== undefined) {
    await readers.stand(channel, group, settled);
    return { channel, group };
  }
  bench.later(() =>
    bench
      .facet('groups')
      .delete(group, bench.signal)
      .catch(() => undefined),
  );
  const taking = await bench.claiming(channel, { group });
  await taking.settle(await taking.take(settled));
  await taking.close();
  return { channel, group };
}

/** A member of the group, which has taken a message and settles none; resolves with how it leaves. */
export async function joining(
  bench: Workbench,
  channel: string,
  group: string,
): Promise<() => Promise<void>> {
  const { readers } = bench.column.channel;
  if (readers !== undefined) {
    const leave = await readers.join(channel, group);
    bench.later(leave);
    return leave;
  }
  const taking = await bench.claiming(channel, { group, follow: true });
  await taking.take(1);
  return () => taking.close();
}

/** What the group takes next, which it then gives back. */
export async function next(
  bench: Workbench,
  channel: string,
  group: string,
  count: number,
): Promise<string[]> {
  if (bench.column.channel.readers !== undefined) {
    const [position] = await bench.facet('positions').read(group, bench.signal, [channel]);
    assert.ok(position !== undefined && position.committed !== null);
    const offset = { kind: 'offset', offset: position.committed } as const;
    return textsOf((await bench.read(channel, { from: from(offset) })).slice(0, count));
  }
  const taking = await bench.claiming(channel, { group, from: end });
  const claimed = await taking.take(count);
  await taking.release(claimed);
  await taking.close();
  return textsOf(claimed.map(({ message }) => message));
}
