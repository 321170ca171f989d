/** What the server says about streams, their groups and their consumers. */
import { FailedError, NotFoundError, errorText } from '../../errors.ts';
import { globMatches } from '../../message/glob.ts';
import { idOf, nextId } from './entry-id.ts';
import type { EntryId } from './entry-id.ts';
import { isForbiddenKey } from './failures.ts';
import type { Link } from './link.ts';
import { entriesOf, listOf, mapOf, numberOrNull, textOf, textOrNull } from './reply.ts';
import type { Reply } from './reply.ts';

/** Holds what mqctl gave back and nobody has taken since; it is no process. */
export const parkingConsumer = 'mqctl-given-back';

export interface StreamFacts {
  readonly stream: string;
  readonly length: number;
  /** null: there is no entry. */
  readonly first: EntryId | null;
  /** The next entry's id is greater than what was generated last, whatever was deleted since. */
  readonly end: EntryId;
  /** Ever added; null: a server before 7 does not count. */
  readonly added: number | null;
  readonly greatestDeleted: EntryId | null;
  readonly groupCount: number;
}

export interface GroupFacts {
  readonly group: string;
  readonly stream: string;
  readonly consumers: number;
  /** Given to a consumer and not acknowledged. */
  readonly pending: number;
  readonly lastDelivered: EntryId;
  /** How many the group was given; null: the server does not know. */
  readonly entriesRead: number | null;
  /** How many it is still to be given; null: the server does not know. */
  readonly lag: number | null;
}

export interface ConsumerFacts {
  readonly consumer: string;
  readonly pending: number;
  /** Milliseconds since it last asked for anything. While it waits for entries, it does not ask. */
  readonly idleMs: number;
}

/** Throws `NotFoundError`, `FailedError` for a key of another type. */
export async function readStream(
  link: Link,
  stream: string,
  signal: AbortSignal | null,
): Promise<StreamFacts> {
  const info = mapOf(await asking(link, stream, ['XINFO', 'STREAM', stream], signal));
  const [first] = entriesOf([info.get('first-entry') ?? null]);
  const deleted = textOrNull(info.get('max-deleted-entry-id'));
  return {
    stream,
    length: numberOrNull(info.get('length')) ?? 0,
    first: first === undefined ? null : idOf(first.id),
    end: nextId(idOf(textOf(info.get('last-generated-id')))),
    added: numberOrNull(info.get('entries-added')),
    greatestDeleted: deleted === null ? null : idOf(deleted),
    groupCount: numberOrNull(info.get('groups')) ?? 0,
  };
}

/** Throws `NotFoundError`. */
export async function readGroups(
  link: Link,
  stream: string,
  signal: AbortSignal | null,
): Promise<readonly GroupFacts[]> {
  const reply = await asking(link, stream, ['XINFO', 'GROUPS', stream], signal);
  return listOf(reply).map((item) => groupOf(stream, item));
}

function groupOf(stream: string, item: Reply): GroupFacts {
  const info = mapOf(item);
  return {
    group: textOf(info.get('name')),
    stream,
    consumers: numberOrNull(info.get('consumers')) ?? 0,
    pending: numberOrNull(info.get('pending')) ?? 0,
    lastDelivered: idOf(textOf(info.get('last-delivered-id'))),
    entriesRead: numberOrNull(info.get('entries-read')),
    lag: numberOrNull(info.get('lag')),
  };
}

/** Throws `NotFoundError` for a stream or a group that is not there. */
export async function readGroup(
  link: Link,
  stream: string,
  group: string,
  signal: AbortSignal | null,
): Promise<GroupFacts> {
  const found = (await readGroups(link, stream, signal)).find((one) => one.group === group);
  if (found === undefined) throw new NotFoundError('group', group, `"${stream}", ${link.target}`);
  return found;
}

/** Without the one that only keeps what was given back. */
export async function readConsumers(
  link: Link,
  { stream, group }: Pick<GroupFacts, 'stream' | 'group'>,
  signal: AbortSignal | null,
): Promise<readonly ConsumerFacts[]> {
  const reply = await asking(link, stream, ['XINFO', 'CONSUMERS', stream, group], signal);
  return listOf(reply)
    .map((item): ConsumerFacts => {
      const info = mapOf(item);
      return {
        consumer: textOf(info.get('name')),
        pending: numberOrNull(info.get('pending')) ?? 0,
        idleMs: numberOrNull(info.get('idle')) ?? 0,
      };
    })
    .filter(({ consumer }) => consumer !== parkingConsumer);
}

/** A command about a stream: where the key is missing, it is named. */
async function asking(
  link: Link,
  stream: string,
  words: readonly string[],
  signal: AbortSignal | null,
): Promise<Reply> {
  try {
    return await link.ask(stream, words, signal);
  } catch (error) {
    if (error instanceof FailedError && /no such key/.test(errorText(error)))
      throw new NotFoundError('stream', stream, link.target, { cause: error });
    throw error;
  }
}

/** Throws `NotFoundError`. */
export async function requireStream(link: Link, stream: string, signal: AbortSignal | null): Promise<void> {
  if (!(await isStream(link, stream, signal))) throw new NotFoundError('stream', stream, link.target);
}

/** false: there is no such key, or it is of another type. */
export async function isStream(link: Link, stream: string, signal: AbortSignal | null): Promise<boolean> {
  return textOf(await link.ask(stream, ['TYPE', stream], signal)) === 'stream';
}

/** So many keys are looked through for each answer. */
const scanned = 1_000;

/** The names of all streams, in order. Goes through all keys of all nodes. */
export async function streamNames(
  link: Link,
  match: string | null,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const names = new Set<string>();
  for (const node of await link.nodes(signal)) {
    let cursor = '0';
    do {
      const reply = listOf(
        await node.ask(['SCAN', cursor, 'COUNT', String(scanned), 'TYPE', 'stream'], signal),
      );
      cursor = textOf(reply[0]);
      for (const name of listOf(reply[1]).map(textOf)) if (globMatches(match, name)) names.add(name);
    } while (cursor !== '0');
  }
  return [...names].sort();
}

/** So many requests are on the wire at once. */
const atOnce = 64;

/** In the order of the streams; those that are deleted meanwhile, or not this login's to see, are left out. */
export async function ofEach<Result>(
  streams: readonly string[],
  work: (stream: string) => Promise<Result>,
): Promise<readonly Result[]> {
  const results: Result[] = [];
  for (let start = 0; start < streams.length; start += atOnce) {
    const some = await Promise.all(
      streams.slice(start, start + atOnce).map((stream) =>
        work(stream).catch((error: unknown) => {
          if (error instanceof NotFoundError && error.kind === 'stream') return null;
          if (isForbiddenKey(error)) return null;
          throw error;
        }),
      ),
    );
    results.push(...some.filter((one) => one !== null));
  }
  return results;
}

/** The groups of all streams, or of those that are named. Throws `NotFoundError` for one that is named and missing. */
export async function allGroups(
  link: Link,
  streams: readonly string[] | null,
  signal: AbortSignal,
): Promise<readonly GroupFacts[]> {
  if (streams !== null) {
    const found = await Promise.all(streams.map((stream) => readGroups(link, stream, signal)));
    return found.flat();
  }
  const names = await streamNames(link, null, signal);
  return (await ofEach(names, (stream) => readGroups(link, stream, signal))).flat();
}

/** Those of that name, one for each stream. Throws `NotFoundError`. */
export async function groupsNamed(
  link: Link,
  group: string,
  signal: AbortSignal,
): Promise<readonly GroupFacts[]> {
  const found = (await allGroups(link, null, signal)).filter((one) => one.group === group);
  if (found.length === 0) throw new NotFoundError('group', group, link.target);
  return found;
}
