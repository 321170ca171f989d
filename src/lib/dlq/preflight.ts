/** What is asked of each destination before anything is moved: will it arrive, and who else will see it? */
import type { ChannelDescription, Driver } from '../drivers/driver.ts';
import { FailedError, NotFoundError, errorText } from '../errors.ts';
import type { DestinationFacts } from './plan.ts';

/** Others than the consumers that failed would receive what goes to this channel. */
export interface BlastRadius {
  readonly channel: string;
  readonly others: readonly string[];
  /** Who failed, as far as the messages say. */
  readonly failed: readonly string[];
  /** A channel there that looks like the failed consumer's own retries; null: none does. */
  readonly retryChannel: string | null;
}

export interface Preflight {
  readonly blast: readonly BlastRadius[];
  /** What may surprise, a sentence each. */
  readonly notes: readonly string[];
}

/** Throws `FailedError` where nothing would receive what is sent, `NotFoundError` for a destination that is gone. */
export async function preflight(
  driver: Driver,
  destinations: Readonly<Record<string, DestinationFacts>>,
  signal: AbortSignal,
): Promise<Preflight> {
  const blast: BlastRadius[] = [];
  const notes: string[] = [...(await problemsOf(driver, signal))];
  for (const [channel, facts] of Object.entries(destinations)) {
    const description = await driver.describe(channel, signal);
    const receivers = await receiversOf(driver, description, facts, signal);
    if (description.passesOnTo?.length === 0)
      throw new FailedError(`nothing would receive what is sent to "${channel}": it passes on to no queue`, {
        hint: 'bind a queue to it first, or say where to with --to',
      });
    const others = othersOf(receivers ?? [], facts.consumers);
    if (others.length > 0)
      blast.push({
        channel,
        others,
        failed: facts.consumers,
        retryChannel: await retryOf(driver, channel, signal),
      });
    if (receivers === null) notes.push(`who receives what is sent to "${channel}" is unknown`);
    else if (receivers.length === 0 || description.consumers === 0)
      notes.push(`nobody consumes "${channel}" just now`);
    else notes.push(...(await idleOf(driver, channel, receivers, signal)));
    notes.push(...(await expiredOf(driver, channel, facts.oldestAt, signal)));
  }
  return { blast, notes };
}

/** Where readers choose by how a message is addressed: those that these messages would reach. */
async function receiversOf(
  driver: Driver,
  { channel, passesOnTo, groups }: ChannelDescription,
  { addresses }: DestinationFacts,
  signal: AbortSignal,
): Promise<readonly string[] | null> {
  const receivers =
    passesOnTo ??
    (driver.readersOf === undefined || addresses === null
      ? groups
      : await driver.readersOf(channel, addresses, signal));
  return receivers === null ? null : receivers.filter((name) => !isOwnGroup(name));
}

/** What we remember by is no consumer. */
export function isOwnGroup(group: string): boolean {
  return group.startsWith('mqctl-');
}

/** One receiver is the one that failed, whatever it calls itself. */
function othersOf(receivers: readonly string[], failed: readonly string[]): readonly string[] {
  if (receivers.length < 2) return [];
  return receivers.filter((name) => !failed.includes(name));
}

async function retryOf(driver: Driver, channel: string, signal: AbortSignal): Promise<string | null> {
  for (const suffix of ['.retry', '-retry', '_retry']) {
    try {
      await driver.describe(`${channel}${suffix}`, signal);
      return `${channel}${suffix}`;
    } catch (error) {
      if (!(error instanceof NotFoundError)) throw error;
    }
  }
  return null;
}

/** A broker that is short of memory or disk takes nothing. */
async function problemsOf(driver: Driver, signal: AbortSignal): Promise<readonly string[]> {
  try {
    return (await driver.cluster?.status(signal))?.problems ?? [];
  } catch (error) {
    signal.throwIfAborted();
    return [`whether the broker is well is unknown: ${errorText(error)}`];
  }
}

async function idleOf(
  driver: Driver,
  channel: string,
  receivers: readonly string[],
  signal: AbortSignal,
): Promise<readonly string[]> {
  const groups = await driver.groups?.list({ match: null }, signal).catch(() => []);
  signal.throwIfAborted();
  const idle = (groups ?? []).filter(({ group, members }) => members === 0 && receivers.includes(group));
  return idle.map(({ group }) => `group "${group}" of "${channel}" has no members just now`);
}

async function expiredOf(
  driver: Driver,
  channel: string,
  oldestAt: number | null,
  signal: AbortSignal,
): Promise<readonly string[]> {
  if (oldestAt === null) return [];
  const backlog = await driver.backlog?.read({ groups: null, channels: [channel] }, signal).catch(() => []);
  signal.throwIfAborted();
  const kept = (backlog ?? []).flatMap(({ partitions }) => partitions.map(({ retentionMs }) => retentionMs));
  const retentionMs = Math.min(...kept.map((each) => each ?? Infinity));
  if (Date.now() - oldestAt <= retentionMs) return [];
  return [
    `the oldest was sent at ${new Date(oldestAt).toISOString()}, longer ago than "${channel}" keeps messages`,
  ];
}
