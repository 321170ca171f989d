import { DeniedError, FailedError } from '../../errors.ts';
import type { ChannelDescription, ChannelSummary } from '../driver.ts';
import { exhaustedName } from './channel-name.ts';
import type { Exhausted } from './channel-name.ts';
import { idText, previousId } from './entry-id.ts';
import type { Link } from './link.ts';
import { countExhausted } from './pending.ts';
import { exhaustedOf } from './place.ts';
import { numberOrNull, textOf } from './reply.ts';
import { ofEach, readGroups, readStream, streamNames } from './streams.ts';
import type { GroupFacts, StreamFacts } from './streams.ts';

const perBatch = 200;

/** Goes through all keys; internal ones there are none. */
export async function* listChannels(
  link: Link,
  match: string | null,
  signal: AbortSignal,
): AsyncGenerator<ChannelSummary> {
  const names = await streamNames(link, match, signal);
  for (let start = 0; start < names.length; start += perBatch)
    yield* await ofEach(names.slice(start, start + perBatch), async (stream) => {
      const [facts, groups] = await Promise.all([
        readStream(link, stream, signal),
        readGroups(link, stream, signal),
      ]);
      return summaryOf(facts, groups, null);
    });
}

/** A stream, or what a group was given too often. Throws `NotFoundError`, `FailedError` for a key of another type. */
export async function describeChannel(
  link: Link,
  channel: string,
  signal: AbortSignal,
): Promise<ChannelDescription> {
  const exhausted = await exhaustedOf(link, channel, signal);
  if (exhausted !== null) return describeExhausted(link, exhausted, signal);
  const [facts, groups] = await Promise.all([
    readStream(link, channel, signal),
    readGroups(link, channel, signal),
  ]);
  const unknown: string[] = [];
  const bytes = await bytesOf(link, channel, unknown, signal);
  const slot = (await link.isCluster(signal))
    ? { slot: textOf(await link.askAny(['CLUSTER', 'KEYSLOT', channel], signal)) }
    : {};
  return {
    ...summaryOf(facts, groups, bytes),
    partitionList: [],
    ...(facts.added !== null && { arrived: facts.added }),
    settings: { ...settingsOf(facts), ...slot },
    bindings: [],
    groups: groups.map(({ group }) => group).sort(),
    deadLetter: null,
    deadLetterOf: [],
    unknown,
  };
}

async function describeExhausted(
  link: Link,
  exhausted: Exhausted,
  signal: AbortSignal,
): Promise<ChannelDescription> {
  const { maxDeliveries, minIdleMs } = link.address;
  const facts = await readStream(link, exhausted.stream, signal);
  const { count, approximate } = await countExhausted(link, exhausted, facts, signal);
  return {
    channel: exhaustedName(exhausted),
    type: 'pending',
    partitions: null,
    messages: count,
    approximate,
    consumers: null,
    bytes: null,
    partitionList: [],
    settings: { maxDeliveries: String(maxDeliveries), minIdleMs: String(minIdleMs) },
    bindings: [],
    groups: [exhausted.group],
    deadLetter: null,
    deadLetterOf: [exhausted.stream],
    unknown: [],
  };
}

function summaryOf(
  { stream, length }: StreamFacts,
  groups: readonly GroupFacts[],
  bytes: number | null,
): ChannelSummary {
  return {
    channel: stream,
    type: 'stream',
    partitions: null,
    messages: length,
    approximate: false,
    consumers: groups.reduce((sum, { consumers }) => sum + consumers, 0),
    bytes,
  };
}

function settingsOf({ first, end, added, greatestDeleted }: StreamFacts): Readonly<Record<string, string>> {
  return {
    ...(first !== null && { 'first-entry': idText(first) }),
    'last-generated-id': idText(previousId(end)),
    ...(added !== null && { 'entries-added': String(added) }),
    ...(greatestDeleted !== null && { 'max-deleted-entry-id': idText(greatestDeleted) }),
  };
}

async function bytesOf(
  link: Link,
  stream: string,
  unknown: string[],
  signal: AbortSignal,
): Promise<number | null> {
  try {
    return numberOrNull(await link.ask(stream, ['MEMORY', 'USAGE', stream], signal));
  } catch (error) {
    if (!(error instanceof DeniedError) && !(error instanceof FailedError)) throw error;
    unknown.push(bytesUnknown(error));
    return null;
  }
}

/** In a sentence, why MEMORY USAGE told nothing. */
export function bytesUnknown(error: DeniedError | FailedError): string {
  return `bytes: ${error instanceof DeniedError ? 'this login may not use MEMORY USAGE' : error.message}`;
}
