import type { Looking } from '../drivers/driver.ts';
import { FailedError, NotFoundError, errorText } from '../errors.ts';
import { globMatches } from '../message/glob.ts';
import type { Position } from '../message/position.ts';
import { byConvention } from './conventions.ts';
import { Groups } from './grouping.ts';
import { inspectDeadLetters } from './inspect.ts';
import { unresolvedOf, type Unresolved } from './resolution.ts';
import { isFree, lookOf, type DeadLetterSource } from './source.ts';

export interface DeadLetterChannel {
  readonly channel: string;
  /** Whose dead letters they are, as far as that is declared or named. */
  readonly sources: readonly string[];
  /** What makes it one: what the broker declares, or its name. */
  readonly how: string;
  /** Not resolved yet; null: unknown. */
  readonly depth: number | null;
  /** There may be fewer than `depth` says. */
  readonly atMost: boolean;
  /** The time of the oldest one that is left, milliseconds since 1970; null: none, or unknown. */
  readonly oldestAt: number | null;
  /** How many came in a minute, lately; null: unknown. */
  readonly arrivalsPerMinute: number | null;
  /** Of what the latest ones died, the most frequent first; null: looking costs something here. */
  readonly causes: readonly KnownCause[] | null;
  /** When what was resolved is forgotten, milliseconds since 1970; null: never, or unknown. */
  readonly expiresAt: number | null;
  /** What could not be asked, and why. */
  readonly unknown: readonly string[];
}

export interface KnownCause {
  readonly cause: string;
  readonly class: string | null;
  readonly message: string | null;
  /** Among the latest ones that were looked at. */
  readonly count: number;
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

  const names = await namesAt(source, request.match, signal);
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
    if (request.match !== null && !globMatches(request.match, channel)) continue;
    const missing = !names.has(channel) && !(await isThere(source, channel, signal));
    const facts = missing
      ? { ...nothingKnown, unknown: ['it does not exist: whatever dies is lost'] }
      : await factsOf(source, channel, signal);
    channels.push({ channel, sources: [...sources].sort(), how: [...how].join(', '), ...facts });
  }
  return { channels, problem };
}

/** Not every channel is listed: what is left undelivered of another one has a name of its own. */
async function isThere({ driver }: DeadLetterSource, channel: string, signal: AbortSignal): Promise<boolean> {
  try {
    await driver.describe(channel, signal);
    return true;
  } catch (error) {
    if (error instanceof NotFoundError) return false;
    throw error;
  }
}

/** All names; without a way to list them, the one that was asked for. Throws `FailedError`. */
async function namesAt(
  { driver }: DeadLetterSource,
  match: string | null,
  signal: AbortSignal,
): Promise<ReadonlySet<string>> {
  const names = new Set<string>();
  try {
    for await (const { channel } of driver.channels({ match: null, internal: false }, signal))
      names.add(channel);
    return names;
  } catch (error) {
    if (!(error instanceof FailedError)) throw error;
    if (match === null || /[*?]/.test(match))
      throw new FailedError(error.message, {
        code: error.code,
        hint: 'name one: --match orders.dlq',
        cause: error,
      });
    await driver.describe(match, signal);
    return new Set([match]);
  }
}

type Facts = Omit<DeadLetterChannel, 'channel' | 'sources' | 'how'>;

const nothingKnown: Facts = {
  depth: null,
  atMost: false,
  oldestAt: null,
  arrivalsPerMinute: null,
  causes: null,
  expiresAt: null,
  unknown: [],
};

async function factsOf(source: DeadLetterSource, channel: string, signal: AbortSignal): Promise<Facts> {
  try {
    const unresolved = await unresolvedOf(source, channel, signal);
    const { state } = unresolved;
    const standing = await standingOf(source, channel, signal);
    const depth = state === null ? standing.depth : state.unresolved;
    const free = isFree((await lookOf(source).appraise(channel, signal)).cost);
    const waits = depth !== 0;
    return {
      depth,
      atMost: state === null ? standing.atMost : state.approximate === true,
      oldestAt: !waits
        ? null
        : (standing.oldestAt ?? (free ? await oldestByLook(source, channel, unresolved, signal) : null)),
      arrivalsPerMinute:
        standing.arrivalsPerMinute ?? (free ? await arrivalsByLook(source, channel, signal) : null),
      causes: free && waits ? await latestCauses(source, channel, signal) : free ? [] : null,
      expiresAt: state?.expiresAt ?? null,
      unknown: [
        ...(state?.memory === 'forgotten' ? ['which ones were resolved was forgotten'] : []),
        ...(waits ? standing.unknown : []),
      ],
    };
  } catch (error) {
    signal.throwIfAborted();
    return { ...nothingKnown, unknown: [errorText(error)] };
  }
}

/** How many are unresolved now; null: unknown. */
export async function depthOf(
  source: DeadLetterSource,
  channel: string,
  signal: AbortSignal,
): Promise<number | null> {
  const { state } = await unresolvedOf(source, channel, signal);
  return state === null ? (await standingOf(source, channel, signal)).depth : state.unresolved;
}

type Standing = Pick<Facts, 'depth' | 'atMost' | 'oldestAt' | 'arrivalsPerMinute' | 'unknown'>;

/** What the broker says by itself. */
async function standingOf(
  { driver }: DeadLetterSource,
  channel: string,
  signal: AbortSignal,
): Promise<Standing> {
  const backlog = await driver.backlog
    ?.read({ groups: null, channels: [channel] }, signal)
    .catch(() => undefined);
  const own = backlog?.find((entry) => entry.channel === channel && entry.group === null);
  if (own === undefined) {
    const { messages } = await driver.describe(channel, signal);
    return { depth: messages, atMost: false, oldestAt: null, arrivalsPerMinute: null, unknown: [] };
  }
  let depth: number | null = 0;
  let oldestAt: number | null = null;
  let perSecond: number | null = null;
  for (const { waiting, inFlight, oldest, rateIn } of own.partitions) {
    depth = depth === null || waiting === null ? null : depth + waiting + (inFlight ?? 0);
    if (oldest !== null) oldestAt = Math.min(oldest.at, oldestAt ?? Infinity);
    if (rateIn !== null) perSecond = (perSecond ?? 0) + rateIn;
  }
  const arrivalsPerMinute = perSecond === null ? null : perSecond * 60;
  return { depth, atMost: own.approximate, oldestAt, arrivalsPerMinute, unknown: own.unknown };
}

/** Arrivals are counted over so long. */
const arrivalsWindowMs = 10 * 60_000;

/** How many are newer than the window's beginning: asked for, not read. */
async function arrivalsByLook(
  source: DeadLetterSource,
  channel: string,
  signal: AbortSignal,
): Promise<number | null> {
  if (source.declaration.facets.look?.positions.includes('time') !== true) return null;
  const from: Position = { kind: 'time', time: Date.now() - arrivalsWindowMs };
  const { expected } = await openLook(source, { channel, from, partitions: null }, signal);
  return expected === null ? null : expected / (arrivalsWindowMs / 60_000);
}

/** So many of the latest ones, of each partition, are read for their causes. */
const latestRead = 1_000n;
/** More causes are not told. */
export const causesTold = 5;

async function latestCauses(
  source: DeadLetterSource,
  channel: string,
  signal: AbortSignal,
): Promise<readonly KnownCause[]> {
  const groups = new Groups('cause');
  await inspectDeadLetters(
    source,
    {
      channel,
      range: { from: { every: { kind: 'end', shift: -latestRead } }, until: null },
      keep: () => true,
      causes: null,
      limit: Number(latestRead),
      takeAtMost: null,
      all: false,
    },
    async (batch) => {
      for (const inspected of batch) groups.add(inspected);
    },
    signal,
  );
  return groups
    .result()
    .slice(0, causesTold)
    .map(({ group, class: exception, message, count }) => ({
      cause: group ?? '',
      class: exception,
      message,
      count,
    }));
}

function openLook(
  source: DeadLetterSource,
  look: {
    readonly channel: string;
    readonly from: Position;
    readonly partitions: readonly string[] | null;
  },
  signal: AbortSignal,
): Promise<Looking> {
  return lookOf(source).open(
    {
      channel: look.channel,
      from: { every: look.from },
      until: null,
      follow: false,
      partitions: look.partitions,
      limit: null,
      uncommitted: false,
    },
    signal,
  );
}

/** What lies before it is resolved, and need not be read. */
function firstUnresolved({ state }: Unresolved, partition: string | undefined): Position {
  const offset = partition === undefined ? undefined : state?.doneBefore.get(partition);
  return offset === undefined ? { kind: 'start', shift: 0n } : { kind: 'offset', offset };
}

/** The first unresolved message of each partition. */
async function oldestByLook(
  source: DeadLetterSource,
  channel: string,
  unresolved: Unresolved,
  signal: AbortSignal,
): Promise<number | null> {
  const { partitionList } = await source.driver.describe(channel, signal);
  const partitions = partitionList.length === 0 ? [null] : partitionList.map(({ partition }) => [partition]);
  let oldest: number | null = null;
  for (const only of partitions) {
    const from = firstUnresolved(unresolved, only?.[0]);
    const looking = await openLook(source, { channel, from, partitions: only }, signal);
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
