/** Who is at work for a group, as far as Redis tells. */
import { FailedError } from '../../errors.ts';
import type { GroupMember } from '../driver.ts';
import type { Link } from './link.ts';
import { readConsumers } from './streams.ts';
import type { ConsumerFacts, GroupFacts } from './streams.ts';
import { textOf } from './reply.ts';

/** A consumer is a name, no connection: who asked for nothing for so long is taken to be gone. */
const activeMs = 60_000;

export interface GroupConsumer extends ConsumerFacts {
  readonly stream: string;
}

/** All consumers of a group, on all of its streams. */
export async function consumersOf(
  link: Link,
  groups: readonly GroupFacts[],
  signal: AbortSignal | null,
): Promise<readonly GroupConsumer[]> {
  const found = await Promise.all(
    groups.map(async (one) =>
      (await readConsumers(link, one, signal)).map((consumer) => ({ ...consumer, stream: one.stream })),
    ),
  );
  return found.flat();
}

/** Whether it asked for something within the last minute. */
export function isActive({ idleMs }: ConsumerFacts): boolean {
  return idleMs < activeMs;
}

/** One for each name, with all streams that it reads. */
export function membersOf(consumers: readonly GroupConsumer[]): readonly GroupMember[] {
  return [...Map.groupBy(consumers, ({ consumer }) => consumer)].map(([id, own]) => ({
    id,
    client: null,
    host: null,
    partitions: own.map(({ stream }) => ({ channel: stream, partition: null })),
    inFlight: own.reduce((sum, { pending }) => sum + pending, 0),
    prefetch: null,
  }));
}

/** With code `ACTIVE`, for a group that consumers are at work for. */
export function activeError(group: string, active: readonly GroupConsumer[]): FailedError {
  return new FailedError(activeReason(group, active), { code: 'ACTIVE', hint: activeHint });
}

export const activeHint = `stop them, and wait a minute: who asked for nothing for ${String(activeMs / 1_000)} s is taken to be gone`;

/** Names up to five of them, and when each was last seen. */
export function activeReason(group: string, active: readonly GroupConsumer[]): string {
  const names = active.map(
    ({ consumer, idleMs }) => `${consumer} (seen ${(idleMs / 1_000).toFixed(1)} s ago)`,
  );
  const shown = names.slice(0, 5).join(', ');
  return `the group "${group}" is at work: ${shown}${names.length > 5 ? ` and ${String(names.length - 5)} more` : ''}`;
}

/**
 * How many connections wait for entries of any group: one that waits for hours looks as if it was gone. null: this login may
 * not ask.
 */
export async function waitingReaders(link: Link, signal: AbortSignal): Promise<number | null> {
  try {
    let count = 0;
    for (const node of await link.nodes(signal)) {
      const list = textOf(await node.ask(['CLIENT', 'LIST', 'TYPE', 'NORMAL'], signal));
      count += list
        .split('\n')
        .filter((line) => / flags=\S*b/.test(line) && / cmd=xreadgroup/.test(line)).length;
    }
    return count;
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof FailedError || !(error instanceof Error)) return null;
    return null;
  }
}
