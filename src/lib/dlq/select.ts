/** Makes the frozen list: what is selected, where it goes, and what is left out from the start. */
import type { Appraisal, PublishLimits } from '../drivers/driver.ts';
import { FailedError, UsageError } from '../errors.ts';
import type { Message, OutgoingMessage } from '../message/message.ts';
import type { ContentHash } from './content-hash.ts';
import type { Destinations } from './destination.ts';
import { misfit, messageBytes } from './destination.ts';
import { readFailure, toDeadLetter } from './failure.ts';
import { fingerprint } from './fingerprint.ts';
import { readMark } from './mark.ts';
import { toOutgoing } from './outgoing.ts';
import type { LeftOut, PlanHead, PlanTotals, PlanWriter } from './plan.ts';
import type { Unresolved } from './resolution.ts';
import { isFree, lookOf, type DeadLetterSource } from './source.ts';

export interface Selection {
  /** Sees the failure as `deadLetter`. */
  readonly keep: (message: Message) => boolean;
  /** As `messageName` says them; null: whatever the filter keeps. */
  readonly ids: ReadonlySet<string> | null;
  /** Neither filter, ids nor causes: the first ones are those to select. */
  readonly everything: boolean;
  /** Fingerprints, or their beginnings; null: any. */
  readonly causes: readonly string[] | null;
  readonly limit: number | null;
  /** Whether of equal messages all are selected or none: not where they are counted, named, or told apart by their deliveries. */
  readonly equalOnesAlike: boolean;
}

/** What stays where it is, known before anything is moved. */
export interface LeftOutCount extends LeftOut {
  readonly count: number;
}

export interface CauseCount {
  readonly cause: string | null;
  readonly class: string | null;
  readonly message: string | null;
  readonly count: number;
}

export interface SelectionResult {
  readonly totals: PlanTotals;
  /** By reason. */
  readonly leftOut: readonly LeftOutCount[];
  readonly looked: number;
  /** How many go where. */
  readonly destinations: ReadonlyMap<string, number>;
  /** The largest first; the rest is not listed. */
  readonly causes: readonly CauseCount[];
  /** Headers that would be taken off, and how often. */
  readonly headersRemoved: ReadonlyMap<string, number>;
  readonly highestDeliveryCount: number | null;
}

export interface SelectionParts {
  readonly source: DeadLetterSource;
  readonly head: PlanHead;
  readonly hash: ContentHash;
  readonly unresolved: Unresolved;
  readonly destinations: Destinations;
  readonly appraisal: Appraisal;
  readonly maxRedrives: number;
}

/** More are told only by their number. */
const causesKept = 1_000;
const causesTold = 10;
const reasonsKept = 100;

/** How a person names a message: the system's id, else partition and offset, else its content. */
export function messageName(
  { id, partition, offset }: Pick<Message, 'id' | 'partition' | 'offset'>,
  contentHash: string,
): string {
  if (id !== null) return id;
  if (offset !== null) return partition === null ? offset : `${partition}:${offset}`;
  return contentHash.slice(0, 16);
}

/** Looks through the channel once and writes what is selected to `plan`. Throws what `Destinations` does. */
export async function select(
  parts: SelectionParts,
  selection: Selection,
  plan: PlanWriter,
  signal: AbortSignal,
): Promise<SelectionResult> {
  const { source, head, hash, unresolved, destinations, appraisal, maxRedrives } = parts;
  const { deadLetters } = source.driver;
  const native = deadLetters === undefined ? null : deadLetters.read.bind(deadLetters);
  const tally = new SelectionTally();
  const looking = await lookOf(source).open(
    {
      channel: head.channel,
      from: { every: { kind: 'start', shift: 0n } },
      until: null,
      follow: false,
      partitions: null,
      limit: looksAtMost(parts, selection),
      uncommitted: false,
    },
    signal,
  );
  let selected = 0;
  let passed = 0;
  let ahead = 0;
  read: for await (const batch of looking.batches) {
    for (const message of batch) {
      if (selection.limit !== null && selected >= selection.limit) break read;
      tally.looked += 1;
      tally.delivered(message.delivery.count);
      const content = hash.of(message).toString('hex');
      const failure = readFailure(message, native);
      const cause = failure === null ? null : fingerprint(failure);
      const explained = failure === null ? message : { ...message, deadLetter: toDeadLetter(failure) };
      const wanted =
        unresolved.has(message) &&
        (selection.ids === null || selection.ids.has(messageName(message, content))) &&
        isCause(selection.causes, cause?.id ?? null) &&
        selection.keep(explained);
      if (!wanted) {
        passed += 1;
        continue;
      }
      const destination = await destinations.of(failure, signal);
      const departure = {
        plan: head.id,
        ordinal: plan.next,
        keepHeaders: head.keepHeaders,
        cause: cause?.id ?? null,
      };
      const outgoing = toOutgoing(message, departure, deadLetters);
      const leftOut = leftOutOf(message, outgoing.message, destination.limits, maxRedrives);
      const { partition, offset, id } = message;
      await plan.add({
        reference: { partition, offset, id },
        hash: content,
        destination: destination.channel,
        bytes: messageBytes(message),
        cause: cause?.id ?? null,
        leftOut,
      });
      if (leftOut === null) tally.goes(destination.channel, outgoing.removed);
      else tally.stays(leftOut);
      tally.caused({
        cause: cause?.id ?? null,
        class: cause?.parts.class ?? null,
        message: cause?.parts.message ?? null,
      });
      selected += 1;
      ahead = passed;
    }
  }
  signal.throwIfAborted();
  if (tally.looked === 0 && (appraisal.waiting ?? 0) > 0)
    throw new FailedError(`nothing could be seen in "${head.channel}" although messages wait there`, {
      hint: 'somebody holds them: wait until that ends',
    });
  return tally.result(await plan.finish(ahead), looking.report().deliveryCount);
}

function leftOutOf(
  message: Message,
  outgoing: OutgoingMessage,
  limits: PublishLimits,
  maxRedrives: number,
): LeftOut | null {
  const redrives = readMark(message.headers)?.count ?? 0;
  if (redrives >= maxRedrives)
    return { as: 'QUARANTINED', reason: `it was redriven ${redrives.toString()} times already` };
  const reason = misfit(outgoing, limits);
  return reason === null ? null : { as: 'FAILED', reason };
}

/** Whether a cause is one of those asked for; a beginning is enough. */
export function isCause(wanted: readonly string[] | null, cause: string | null): boolean {
  return wanted === null || (cause !== null && wanted.some((beginning) => cause.startsWith(beginning)));
}

/** Where a look costs something, no more than has to be. */
function looksAtMost({ appraisal }: SelectionParts, { everything, limit }: Selection): number | null {
  if (isFree(appraisal.cost)) return null;
  if (appraisal.waiting === null)
    throw new UsageError('how many dead letters wait there is unknown, and looking costs something', {
      hint: 'say --limit',
    });
  return everything && limit !== null ? Math.min(limit, appraisal.waiting) : Math.max(1, appraisal.waiting);
}

class SelectionTally {
  looked = 0;
  readonly #destinations = new Map<string, number>();
  readonly #removed = new Map<string, number>();
  readonly #leftOut = new Map<string, LeftOut & { count: number }>();
  readonly #causes = new Map<string, { said: Omit<CauseCount, 'count'>; count: number }>();
  #deliveries: number | null = null;

  delivered(count: number | null): void {
    if (count !== null) this.#deliveries = Math.max(count, this.#deliveries ?? 0);
  }

  goes(destination: string, removed: readonly string[]): void {
    this.#destinations.set(destination, (this.#destinations.get(destination) ?? 0) + 1);
    for (const name of removed) this.#removed.set(name, (this.#removed.get(name) ?? 0) + 1);
  }

  stays(leftOut: LeftOut): void {
    const key = `${leftOut.as} ${leftOut.reason}`;
    const known = this.#leftOut.get(key);
    if (known !== undefined) known.count += 1;
    else if (this.#leftOut.size < reasonsKept) this.#leftOut.set(key, { ...leftOut, count: 1 });
  }

  caused(said: Omit<CauseCount, 'count'>): void {
    const key = said.cause ?? '';
    const known = this.#causes.get(key);
    if (known !== undefined) known.count += 1;
    else if (this.#causes.size < causesKept) this.#causes.set(key, { said, count: 1 });
  }

  result(totals: PlanTotals, reported: number | null): SelectionResult {
    const causes = [...this.#causes.values()]
      .sort((one, other) => other.count - one.count)
      .slice(0, causesTold)
      .map(({ said, count }) => ({ ...said, count }));
    return {
      totals,
      leftOut: [...this.#leftOut.values()],
      looked: this.looked,
      destinations: this.#destinations,
      causes,
      headersRemoved: this.#removed,
      highestDeliveryCount: reported ?? this.#deliveries,
    };
  }
}
