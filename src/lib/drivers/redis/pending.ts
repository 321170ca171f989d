/** What a group was given and has not acknowledged: its pending list. */
import type { DeadLetter, Message } from '../../message/message.ts';
import { exhaustedName } from './channel-name.ts';
import type { Exhausted } from './channel-name.ts';
import { messageOf } from './entry-codec.ts';
import { compareIds, idOf, idText, nextId } from './entry-id.ts';
import type { EntryId } from './entry-id.ts';
import type { Link } from './link.ts';
import { entriesOf, listOf, numberOrNull, textOf } from './reply.ts';
import type { Reply } from './reply.ts';
import type { StreamFacts } from './streams.ts';

export interface PendingEntry {
  readonly id: string;
  readonly consumer: string;
  readonly idleMs: number;
  readonly deliveries: number;
}

const perPage = 500;

/** Of XPENDING with a range: one for each entry. */
export function pendingOf(reply: Reply): readonly PendingEntry[] {
  return listOf(reply).map((item) => {
    const [id, consumer, idle, deliveries] = listOf(item);
    return {
      id: textOf(id),
      consumer: textOf(consumer),
      idleMs: numberOrNull(idle) ?? 0,
      deliveries: numberOrNull(deliveries) ?? 0,
    };
  });
}

/** Page by page, those that nobody touched for `minIdleMs`, from `from` on. */
export async function* pendingPages(
  link: Link,
  { stream, group }: Exhausted,
  range: { readonly from: EntryId; readonly until: EntryId | null; readonly minIdleMs: number },
  signal: AbortSignal,
): AsyncGenerator<readonly PendingEntry[]> {
  let { from } = range;
  const last = range.until === null ? '+' : `(${idText(range.until)}`;
  for (;;) {
    const page = pendingOf(
      await link.ask(
        stream,
        ['XPENDING', stream, group, 'IDLE', String(range.minIdleMs), idText(from), last, String(perPage)],
        signal,
      ),
    );
    if (page.length > 0) yield page;
    const end = page.at(-1);
    if (end === undefined || page.length < perPage) return;
    from = nextId(idOf(end.id));
  }
}

/** Those that were given too often and that nobody touches now. */
export async function* exhaustedPages(
  link: Link,
  exhausted: Exhausted,
  range: { readonly from: EntryId; readonly until: EntryId | null },
  signal: AbortSignal,
): AsyncGenerator<readonly PendingEntry[]> {
  const { maxDeliveries, minIdleMs } = link.address;
  for await (const page of pendingPages(link, exhausted, { ...range, minIdleMs }, signal)) {
    const tooOften = page.filter(({ deliveries }) => deliveries >= maxDeliveries);
    if (tooOften.length > 0) yield tooOften;
  }
}

export interface ExhaustedCount {
  readonly count: number;
  /** Some of them may be deleted from the stream. */
  readonly approximate: boolean;
}

/**
 * Page by page, since Redis has no such count. What was trimmed is pending still, and not counted. What was deleted from the midst of
 * the stream is counted where only a look at each entry would tell.
 */
export async function countExhausted(
  link: Link,
  exhausted: Exhausted,
  facts: StreamFacts,
  signal: AbortSignal,
): Promise<ExhaustedCount> {
  let count = 0;
  let approximate = false;
  if (facts.first === null) return { count, approximate };
  for await (const page of exhaustedPages(link, exhausted, { from: facts.first, until: null }, signal)) {
    count += page.length;
    approximate ||= page.some(({ id }) => mayBeDeleted(idOf(id), facts));
  }
  return { count, approximate };
}

/** Of an entry that is pending. A server before 7 does not say what was deleted. */
export function mayBeDeleted(
  id: EntryId,
  { first, greatestDeleted }: Pick<StreamFacts, 'first' | 'greatestDeleted'>,
): boolean {
  if (first !== null && compareIds(id, first) === 0) return false;
  return greatestDeleted === null || compareIds(id, greatestDeleted) <= 0;
}

/** Their messages, without those that were deleted from the stream meanwhile. */
export async function exhaustedMessages(
  link: Link,
  exhausted: Exhausted,
  page: readonly PendingEntry[],
  signal: AbortSignal,
): Promise<readonly Message[]> {
  const { stream } = exhausted;
  const replies = await Promise.all(
    page.map(({ id }) => link.ask(stream, ['XRANGE', stream, id, id], signal)),
  );
  return replies.flatMap((reply, index) => {
    const pending = page[index];
    const [entry] = entriesOf(reply);
    if (entry === undefined || pending === undefined) return [];
    return [deadMessage(messageOf(entry, exhaustedName(exhausted), link.address.names), exhausted, pending)];
  });
}

/** The message with how often it was given, and why it is there. */
export function deadMessage(message: Message, exhausted: Exhausted, pending: PendingEntry): Message {
  return {
    ...message,
    delivery: { count: pending.deliveries, redelivered: pending.deliveries > 1 },
    deadLetter: deadLetterOf(message, exhausted, pending),
  };
}

function deadLetterOf({ offset }: Message, { stream, group }: Exhausted, pending: PendingEntry): DeadLetter {
  return {
    reason: 'delivered too often without an acknowledgement',
    class: null,
    message: null,
    attempts: pending.deliveries,
    origin: { channel: stream, partition: null, offset },
    consumer: group,
    at: Date.now() - pending.idleMs,
  };
}
