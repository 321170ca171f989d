import type { DeadLetters } from '../drivers/driver.ts';
import type { Header, Message, OutgoingMessage } from '../message/message.ts';
import { roleOf } from './failure.ts';
import { readMark, withMark } from './mark.ts';

/**
 * What stays of the headers that frameworks wrote: `none` of them (a fingerprint of the failure is kept instead), what
 * tells of the `failure`, or `all`, the retry state included: then a retrying consumer may give it up at once.
 */
export const keptHeaders = ['all', 'failure', 'none'] as const;
export type KeepHeaders = (typeof keptHeaders)[number];

export const failureHeader = 'mqctl-failure';

export interface Departure {
  readonly plan: string;
  readonly ordinal: number;
  readonly keepHeaders: KeepHeaders;
  readonly cause: string | null;
}

export interface Outgoing {
  readonly message: OutgoingMessage;
  /** Names of headers, each time one was. */
  readonly removed: readonly string[];
  readonly added: readonly string[];
}

/** The message as it goes back: nothing else is touched. */
export function toOutgoing(
  message: Message,
  departure: Departure,
  deadLetters: DeadLetters | undefined,
): Outgoing {
  const { plan, ordinal, keepHeaders, cause } = departure;
  const native = new Set(deadLetters?.volatileHeaders);
  const removed: string[] = [];
  const kept = message.headers.filter((header) => {
    if (header.name === failureHeader && cause !== null) return false; // replaced below
    if (stays(header, keepHeaders, native)) return true;
    removed.push(header.name);
    return false;
  });
  const count = (readMark(message.headers)?.count ?? 0) + 1;
  const withCause =
    cause === null ? kept : [...kept, { name: failureHeader, value: Buffer.from(cause, 'utf8') }];
  const headers = withMark(withCause, { plan, ordinal, count });
  const known = new Set(message.headers.map(({ name }) => name));
  return {
    message: {
      key: message.key,
      value: message.value,
      headers,
      properties: withoutWay(message, deadLetters),
      // The destination chooses: its partitions are not those of the dead letters, and its retention counts from now.
      partition: null,
      timestamp: null,
    },
    removed,
    added: headers.map(({ name }) => name).filter((name) => !known.has(name)),
  };
}

function stays({ name }: Header, keep: KeepHeaders, native: ReadonlySet<string>): boolean {
  if (keep === 'all') return true;
  const role = native.has(name) ? 'failure' : roleOf(name);
  return role === 'payload' || (role === 'failure' && keep === 'failure');
}

/** How it came to the dead letters (an exchange, a routing key) is not where it goes. */
function withoutWay(message: Message, deadLetters: DeadLetters | undefined): Message['properties'] {
  const way = new Set(deadLetters?.volatileProperties);
  if (way.size === 0) return message.properties;
  return Object.fromEntries(Object.entries(message.properties).filter(([name]) => !way.has(name)));
}
