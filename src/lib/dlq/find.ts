import { errorText } from '../errors.ts';
import { globMatches } from '../message/glob.ts';
import { byConvention } from './conventions.ts';
import { unresolvedOf } from './resolution.ts';
import { isFree, lookOf, type DeadLetterSource } from './source.ts';

export interface DeadLetterChannel {
  readonly channel: string;
  /** Whose dead letters they are, as far as that is declared or named. */
  readonly sources: readonly string[];
  /** What makes it one: what the broker declares, or its name. */
  readonly how: string;
  /** Not resolved yet; null: unknown. */
  readonly depth: number | null;
  /** The time of the oldest one that is left, milliseconds since 1970; null: none, or unknown. */
  readonly oldestAt: number | null;
  /** When what was resolved is forgotten, milliseconds since 1970; null: never, or unknown. */
  readonly expiresAt: number | null;
  /** What could not be asked, and why. */
  readonly unknown: readonly string[];
}

export interface FindResult {
  readonly channels: readonly DeadLetterChannel[];
  /** What the broker declares could not be asked. */
  readonly problem: string | null;
}

interface Found {
  readonly sources: Set<string>;
  readonly how: Set<string>;
}

/** Channels of dead letters: as declared, as named, or every one that `match` names. Nothing is read that costs something. */
export async function findDeadLetters(
  source: DeadLetterSource,
  request: { readonly match: string | null },
  signal: AbortSignal,
): Promise<FindResult> {
  const { driver } = source;
  const found = new Map<string, Found>();
  const add = (channel: string, from: string | null, how: string): void => {
    const known = found.get(channel) ?? { sources: new Set(), how: new Set() };
    if (from !== null) known.sources.add(from);
    known.how.add(how);
    found.set(channel, known);
  };

  let problem: string | null = null;
  try {
    for (const { source: from, deadLetter, how } of (await driver.deadLetters?.pairs(signal)) ?? [])
      add(deadLetter, from, how);
  } catch (error) {
    signal.throwIfAborted();
    problem = `what the broker declares is unknown: ${errorText(error)}`;
  }

  const names = new Set<string>();
  for await (const { channel } of driver.channels({ match: null, internal: false }, signal))
    names.add(channel);
  for (const name of names) {
    const named = byConvention(name);
    // Without a channel that it could belong to, a name may still be one of dead letters.
    const source = named !== null && named.source !== null && names.has(named.source) ? named.source : null;
    if (request.match !== null && globMatches(request.match, name)) add(name, source, '--match');
    else if (named !== null) add(name, source, named.how);
  }

  const channels: DeadLetterChannel[] = [];
  for (const [channel, { sources, how }] of [...found].sort(([one], [other]) => (one < other ? -1 : 1))) {
    // Declared, and never made: nothing can wait there, and everything that dies is lost.
    const missing = !names.has(channel);
    if (request.match !== null && !globMatches(request.match, channel)) continue;
    const facts = missing
      ? { depth: null, oldestAt: null, expiresAt: null, unknown: ['it does not exist'] }
      : await factsOf(source, channel, signal);
    channels.push({ channel, sources: [...sources].sort(), how: [...how].join(', '), ...facts });
  }
  return { channels, problem };
}

type Facts = Pick<DeadLetterChannel, 'depth' | 'oldestAt' | 'expiresAt' | 'unknown'>;

async function factsOf(source: DeadLetterSource, channel: string, signal: AbortSignal): Promise<Facts> {
  try {
    const { state } = await unresolvedOf(source, channel, signal);
    const { depth, oldestAt } = await standingOf(source, channel, signal);
    const unresolved = state === null ? depth : state.unresolved;
    const unknown = state?.memory === 'forgotten' ? ['which ones were resolved was forgotten'] : [];
    const oldest = unresolved === 0 ? null : (oldestAt ?? (await oldestByLook(source, channel, signal)));
    return { depth: unresolved, oldestAt: oldest, expiresAt: state?.expiresAt ?? null, unknown };
  } catch (error) {
    signal.throwIfAborted();
    return { depth: null, oldestAt: null, expiresAt: null, unknown: [errorText(error)] };
  }
}

async function standingOf(
  { driver }: DeadLetterSource,
  channel: string,
  signal: AbortSignal,
): Promise<{ readonly depth: number | null; readonly oldestAt: number | null }> {
  const backlog = await driver.backlog
    ?.read({ groups: null, channels: [channel] }, signal)
    .catch(() => undefined);
  const own = backlog?.find((entry) => entry.channel === channel && entry.group === null);
  if (own === undefined) return { depth: (await driver.describe(channel, signal)).messages, oldestAt: null };
  let depth: number | null = 0;
  let oldestAt: number | null = null;
  for (const { waiting, inFlight, oldest } of own.partitions) {
    depth = depth === null || waiting === null ? null : depth + waiting + (inFlight ?? 0);
    if (oldest !== null) oldestAt = Math.min(oldest.at, oldestAt ?? Infinity);
  }
  return { depth, oldestAt };
}

/** The first unresolved message of each partition: only where looking costs nothing. */
async function oldestByLook(
  source: DeadLetterSource,
  channel: string,
  signal: AbortSignal,
): Promise<number | null> {
  const look = lookOf(source);
  if (!isFree((await look.appraise(channel, signal)).cost)) return null;
  const unresolved = await unresolvedOf(source, channel, signal);
  const { partitionList } = await source.driver.describe(channel, signal);
  const partitions = partitionList.length === 0 ? [null] : partitionList.map(({ partition }) => [partition]);
  let oldest: number | null = null;
  for (const only of partitions) {
    const looking = await look.open(
      {
        channel,
        from: { every: { kind: 'start', shift: 0n } },
        until: null,
        follow: false,
        partitions: only,
        limit: null,
        uncommitted: false,
      },
      signal,
    );
    search: for await (const batch of looking.batches) {
      for (const message of batch) {
        if (!unresolved.has(message)) continue;
        if (message.timestamp !== null) oldest = Math.min(message.timestamp, oldest ?? Infinity);
        break search;
      }
    }
  }
  return oldest;
}
