import type { DeadLetters } from '../drivers/driver.ts';
import type { Header, Message, OutgoingMessage, Properties } from '../message/message.ts';
import { roleOf } from './failure.ts';
import { markHeader, markId, readMark, withMark } from './mark.ts';

/**
 * What stays of the headers that frameworks wrote: `none` of them (a fingerprint of the failure is kept instead), what
 * tells of the `failure`, or `all`, the retry state included: then a retrying consumer may give it up at once.
 */
export const keptHeaders = ['all', 'failure', 'none'] as const;
export type KeepHeaders = (typeof keptHeaders)[number];

export const failureHeader = 'mqctl-failure';
/** Which dead letter an edited message was made of: its channel, and its name there. */
export const originalHeader = 'mqctl-original';

export interface Departure {
  readonly plan: string;
  readonly ordinal: number;
  readonly keepHeaders: KeepHeaders;
  readonly cause: string | null;
  /** Into quarantine, to be looked at: nothing is taken off, and it is no redrive. */
  readonly quarantine: boolean;
  /** The key for a destination that passes on by one; null: it does not. */
  readonly routingKey: string | null;
  /** So many headers the destination takes; null: any number. */
  readonly mostHeaders: number | null;
  /** The property by which the destination knows what it has already; null: it has none. */
  readonly dedupeProperty: string | null;
  /** As an edit left it, and what it was before: `CHANNEL NAME`. */
  readonly edited: { readonly message: OutgoingMessage; readonly original: string } | null;
}

export interface Outgoing {
  readonly message: OutgoingMessage;
  /** Names of headers, each time one was. */
  readonly removed: readonly string[];
  readonly added: readonly string[];
  /** There was no room for the mark: how often it was redriven is not counted, and it is known again by its content alone. */
  readonly unmarked: boolean;
}

/** The message as it goes back: nothing else is touched. What an edit put there stays, whatever its name. */
export function toOutgoing(
  message: Message,
  departure: Departure,
  deadLetters: DeadLetters | undefined,
): Outgoing {
  const { plan, ordinal, cause, quarantine, edited } = departure;
  const keepHeaders = quarantine ? 'all' : departure.keepHeaders;
  const native = deadLetters?.volatileHeaders ?? [];
  const content = edited?.message ?? message;
  const before = edited === null ? null : new Set(message.headers);
  const noted = content.headers.filter((header) => {
    if (header.name === failureHeader && cause !== null) return false; // replaced below
    if (header.name === originalHeader && edited !== null) return false;
    return before?.has(header) === false || stays(header, keepHeaders, native);
  });
  const count = (readMark(message.headers)?.count ?? 0) + (quarantine ? 0 : 1);
  if (cause !== null) noted.push({ name: failureHeader, value: Buffer.from(cause, 'utf8') });
  if (edited !== null) noted.push({ name: originalHeader, value: Buffer.from(edited.original, 'utf8') });
  const headers = withinLimit(withMark(noted, { plan, ordinal, count }), departure.mostHeaders);
  return {
    message: {
      key: content.key,
      value: content.value,
      headers,
      properties: propertiesOf(message, content, departure, deadLetters),
      // The destination chooses: its partitions are not those of the dead letters, and its retention counts from now.
      partition: null,
      timestamp: null,
    },
    removed: namesMissing(message.headers, headers),
    added: namesMissing(headers, message.headers),
    unmarked: !headers.some(({ name }) => name === markHeader),
  };
}

function propertiesOf(
  message: Message,
  content: OutgoingMessage,
  { plan, ordinal, routingKey, dedupeProperty }: Departure,
  deadLetters: DeadLetters | undefined,
): Properties {
  const own = withoutWay(message, content, deadLetters);
  if (routingKey === null && dedupeProperty === null) return own;
  return {
    ...(routingKey !== null && { routingKey }),
    ...own, // an edit may have said another one
    // Under its first id the destination would take it for the one that failed, and keep nothing.
    ...(dedupeProperty !== null && { [dedupeProperty]: markId(plan, ordinal) }),
  };
}

/** Names that are in the one and not in the other, each time one is. */
function namesMissing(from: readonly Header[], other: readonly Header[]): readonly string[] {
  if (from.length === 0) return [];
  // To make a set takes longer than to look through a few.
  const known = other.length > fewHeaders ? new Set(other.map(({ name }) => name)) : null;
  const missing: string[] = [];
  for (const { name } of from) {
    const isThere = known === null ? other.some((header) => header.name === name) : known.has(name);
    if (!isThere) missing.push(name);
  }
  return missing;
}

const fewHeaders = 8;

/** Where only so many headers are taken, ours give way: first what tells of the failure, then the mark. */
function withinLimit(headers: readonly Header[], most: number | null): readonly Header[] {
  let left = headers;
  for (const ours of [failureHeader, markHeader]) {
    if (most === null || left.length <= most) break;
    left = left.filter(({ name }) => name !== ours);
  }
  return left;
}

function stays({ name }: Header, keep: KeepHeaders, native: readonly string[]): boolean {
  if (keep === 'all') return true;
  const role = native.includes(name) ? 'failure' : roleOf(name);
  return role === 'payload' || (role === 'failure' && keep === 'failure');
}

/** How it came to the dead letters (an exchange, a routing key) is not where it goes. */
export function withoutWay(
  message: Message,
  { properties }: OutgoingMessage,
  deadLetters: DeadLetters | undefined,
): Properties {
  const way = deadLetters?.volatileProperties ?? [];
  if (way.length === 0) return properties;
  return Object.fromEntries(
    Object.entries(properties).filter(
      ([name, value]) => !way.includes(name) || value !== message.properties[name],
    ),
  );
}
