/** Makes the frozen list: what is selected, where it goes, and what is left out from the start. */
import type { Appraisal, LookRequest } from '../drivers/driver.ts';
import { FailedError, UsageError } from '../errors.ts';
import type { Message } from '../message/message.ts';
import { causeOf } from './cause.ts';
import type { ContentHash } from './content-hash.ts';
import type { Destinations } from './destination.ts';
import { misfit, messageBytes, type Destination } from './destination.ts';
import { plainRedrive, type Decide, type Decision, type EditCheck, type Seen } from './decision.ts';
import { Editor, editText, type Change, type Edit, type Edited } from './edit.ts';
import { readFailure, toDeadLetter, type Failure, type NativeReader } from './failure.ts';
import type { Fingerprint } from './fingerprint.ts';
import { textOf } from './header-values.ts';
import { wholeChannel, type LookRange } from './look-range.ts';
import { readMark } from './mark.ts';
import { messageName, originalName } from './message-name.ts';
import { failureHeader, toOutgoing, type Outgoing } from './outgoing.ts';
import type { LeftOut, PlanHead, PlanItem, PlanTotals, PlanWriter } from './plan.ts';
import { routingKeyOf } from './routing-key.ts';
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
  /** Where they lie; all of the channel where it is left out. */
  readonly range?: LookRange;
  /** Whether of equal messages all are selected or none: not where they are counted, named, or told apart by their deliveries. */
  readonly equalOnesAlike: boolean;
  /** What is done with each that is kept; else all are redriven as they are. */
  readonly decide?: Decide;
  /** Dead letters that were looked at already, front to back from the very first, in place of another look (which may cost something). */
  readonly messages?: AsyncIterable<readonly Message[]>;
}

/** What an edit does to so many messages, as it does it to the first of them. */
export interface EditCount {
  readonly changes: readonly Change[];
  readonly count: number;
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
  /** By the places that change. */
  readonly edits: readonly EditCount[];
  /** How many are changed in yet other ways, too many to keep. */
  readonly otherEdits: number;
  /** How many are put aside, and where. */
  readonly quarantined: { readonly channel: string; readonly count: number } | null;
  /** How many were redriven before and died again of the same cause; they are among the selected. */
  readonly unchanged: number;
  readonly highestDeliveryCount: number | null;
  /** How many go without our mark, for which they have no room. */
  readonly unmarked: number;
  /** It was ended by a limit, so that there may be more. */
  readonly limited: boolean;
}

export interface SelectionParts {
  readonly source: DeadLetterSource;
  readonly head: PlanHead;
  readonly hash: ContentHash;
  readonly unresolved: Unresolved;
  readonly destinations: Destinations;
  readonly appraisal: Appraisal;
  readonly maxRedrives: number;
  /** What has no room for our mark stays where it is. */
  readonly requireMark: boolean;
  /** Where messages are put aside; null: they stay where they are. */
  readonly quarantine: Destination | null;
  readonly check: EditCheck | null;
  /** So many more were looked at. */
  readonly onLooked: (count: number) => void;
  /** How often a message that was looked at has been delivered, as soon as it is known. */
  readonly onDelivered: (count: number) => void;
}

/** More are told only by their number. */
const causesKept = 1_000;
const causesTold = 10;
const reasonsKept = 100;
const consumersKept = 100;
/** Where there are more, everybody who reads the channel is named. */
const addressesKept = 1_000;
const delaysKept = 1_000;
const noRoom = 'it has no room for the mark: the destination takes no more headers';

/** Looks through the channel once and writes what is selected to `plan`. Throws what `Destinations` does. */
export async function select(
  parts: SelectionParts,
  selection: Selection,
  plan: PlanWriter,
  signal: AbortSignal,
): Promise<SelectionResult> {
  const { source, head, unresolved, appraisal } = parts;
  const { deadLetters } = source.driver;
  const native = deadLetters === undefined ? null : deadLetters.read.bind(deadLetters);
  const addressedBy = source.declaration.facets.publish?.addressedBy ?? null;
  const tally = new SelectionTally(parts.quarantine?.channel ?? null, addressedBy);
  const planner = new Planner(parts, plan, tally);
  const looking =
    selection.messages === undefined ? await lookOf(source).open(requestOf(parts, selection), signal) : null;
  let passed = 0;
  let ahead = 0;
  read: for await (const batch of looking?.batches ?? selection.messages ?? []) {
    parts.onLooked(batch.length);
    for (const message of batch) {
      if (selection.limit !== null && plan.next >= selection.limit) break read;
      tally.looked += 1;
      if (message.delivery.count !== null) {
        tally.delivered(message.delivery.count);
        parts.onDelivered(message.delivery.count);
      }
      const letter = explain(message, parts.hash, native);
      const decision = unresolved.has(message) ? decide(letter.seen, selection) : null;
      if (decision === null) {
        passed += 1;
        continue;
      }
      await planner.add(letter, decision, signal);
      ahead = passed;
    }
  }
  tally.limited = selection.limit !== null && plan.next >= selection.limit;
  signal.throwIfAborted();
  // A part of the channel may have nothing in it; what hides what it hands out has no parts.
  const isPart = selection.range !== undefined && isFree(appraisal.cost);
  if (tally.looked === 0 && (appraisal.waiting ?? 0) > 0 && !isPart)
    throw new FailedError(`nothing could be seen in "${head.channel}" although messages wait there`, {
      hint: 'somebody holds them: wait until that ends',
    });
  const totals = await plan.finish({ ahead, ...tally.said() });
  return tally.result(totals, looking?.report().deliveryCount ?? null);
}

function requestOf(parts: SelectionParts, selection: Selection): LookRequest {
  return {
    channel: parts.head.channel,
    ...(selection.range ?? wholeChannel),
    follow: false,
    partitions: null,
    limit: looksAtMost(parts, selection),
    uncommitted: false,
  };
}

/** A dead letter as it lies there, and what it says about its death. */
interface Letter {
  readonly message: Message;
  readonly seen: Seen;
  readonly failure: Failure | null;
  readonly cause: Fingerprint;
}

function explain(message: Message, hash: ContentHash, native: NativeReader): Letter {
  const content = hash.of(message);
  const failure = readFailure(message, native);
  const cause = causeOf(message, failure);
  const redrives = readMark(message.headers)?.count ?? 0;
  const before = message.headers.findLast(({ name }) => name === failureHeader)?.value ?? null;
  const seen: Seen = {
    message: failure === null ? message : { ...message, deadLetter: toDeadLetter(failure) },
    name: messageName(message, content),
    hash: content,
    cause: cause.id,
    redrives,
    unchanged: redrives > 0 && textOf(before) === cause.id,
  };
  return { message, seen, failure, cause };
}

/** What is kept of its failure on the way back: of one that says nothing, nothing. */
function keptCause({ failure, cause }: Letter): string | null {
  return failure === null ? null : cause.id;
}

function decide(seen: Seen, { ids, causes, keep, decide: choose }: Selection): Decision | null {
  const kept = (ids === null || ids.has(seen.name)) && isCause(causes, seen.cause) && keep(seen.message);
  if (!kept) return null;
  return choose === undefined ? plainRedrive : choose(seen);
}

/** Writes what was decided to the plan, after asking whether it can be done. */
class Planner {
  readonly #parts: SelectionParts;
  readonly #plan: PlanWriter;
  readonly #tally: SelectionTally;
  #editor: Editor | null = null;

  constructor(parts: SelectionParts, plan: PlanWriter, tally: SelectionTally) {
    this.#parts = parts;
    this.#plan = plan;
    this.#tally = tally;
  }

  async add(letter: Letter, decision: Decision, signal: AbortSignal): Promise<void> {
    const { message, seen, cause } = letter;
    const { partition, offset, id } = message;
    const entry = await this.#entry(letter, this.#orAside(seen, decision), signal);
    await this.#plan.add({
      reference: { partition, offset, id },
      hash: seen.hash,
      bytes: messageBytes(message),
      cause: keptCause(letter),
      redrives: seen.redrives,
      ...entry,
    });
    if (entry.leftOut !== null) this.#tally.stays(entry.leftOut);
    if (seen.unchanged) this.#tally.unchanged += 1;
    const { class: exception, message: words, seen: looks } = cause.parts;
    this.#tally.caused({ cause: cause.id, class: exception, message: words ?? looks });
  }

  /** What was sent back too often already does not go round again. */
  #orAside({ redrives }: Seen, decision: Decision): Decision {
    if (decision.action !== 'redrive' || redrives < this.#parts.maxRedrives) return decision;
    return {
      action: 'quarantine',
      reason: `it was redriven ${redrives.toString()} ${redrives === 1 ? 'time' : 'times'} already`,
    };
  }

  async #entry(letter: Letter, decision: Decision, signal: AbortSignal): Promise<PlannedEntry> {
    const { quarantine, head } = this.#parts;
    const stays = (as: LeftOut['as'], reason: string, destination = head.channel): PlannedEntry => ({
      destination,
      leftOut: { as, reason },
      quarantine: null,
      edit: null,
    });
    if (decision.action === 'skip') return stays('SKIPPED', decision.reason);
    if (decision.action === 'quarantine') {
      if (quarantine === null) return stays('QUARANTINED', decision.reason);
      const { message: outgoing } = this.#outgoing(letter, null, quarantine, true);
      const reason = misfit(outgoing, quarantine.limits);
      if (reason !== null) return stays('FAILED', reason, quarantine.channel);
      this.#tally.aside += 1;
      return {
        destination: quarantine.channel,
        leftOut: null,
        quarantine: decision.reason,
        edit: null,
      };
    }
    const destination = await this.#parts.destinations.of(letter.failure, decision.to, signal);
    return this.#redriven(letter, decision.edit, destination, signal);
  }

  async #redriven(
    letter: Letter,
    edit: Edit | null,
    { channel, limits }: Destination,
    signal: AbortSignal,
  ): Promise<PlannedEntry> {
    const entry = { destination: channel, quarantine: null, edit: edit === null ? null : editText(edit) };
    let edited: Edited | null;
    try {
      edited = edit === null ? null : (this.#editor ??= await Editor.load()).apply(letter.message, edit);
    } catch (error) {
      if (!(error instanceof FailedError) || error.code !== 'EDIT') throw error;
      return { ...entry, edit: null, leftOut: { as: 'FAILED', reason: error.message } };
    }
    const outgoing = this.#outgoing(letter, edited, { channel, limits }, false);
    if (outgoing.unmarked && this.#parts.requireMark)
      return { ...entry, leftOut: { as: 'FAILED', reason: noRoom } };
    const reason =
      misfit(outgoing.message, limits) ??
      (edited === null ? null : await this.#parts.check?.(outgoing.message, channel, signal)) ??
      null;
    if (reason !== null) return { ...entry, leftOut: { as: 'FAILED', reason } };
    this.#tally.goes(channel, letter, outgoing);
    if (outgoing.unmarked) this.#tally.unmarked += 1;
    if (edited !== null) this.#tally.edited(edited.changes);
    return { ...entry, leftOut: null };
  }

  #outgoing(
    letter: Letter,
    edited: Edited | null,
    { channel, limits }: Pick<Destination, 'channel' | 'limits'>,
    quarantine: boolean,
  ): Outgoing {
    const { head, source } = this.#parts;
    const { message, seen } = letter;
    const departure = {
      plan: head.id,
      ordinal: this.#plan.next,
      keepHeaders: head.keepHeaders,
      cause: keptCause(letter),
      quarantine,
      routingKey: routingKeyOf(source, head, channel, message),
      mostHeaders: limits.headers,
      dedupeProperty: source.declaration.facets.publish?.dedupeProperty ?? null,
      edited:
        edited === null ? null : { message: edited.message, original: originalName(message, seen.hash) },
    };
    return toOutgoing(message, departure, source.driver.deadLetters);
  }
}

type PlannedEntry = Pick<PlanItem, 'destination' | 'leftOut' | 'quarantine' | 'edit'>;

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

interface GrowingFacts {
  readonly consumers: Set<string>;
  oldestAt: number;
  addresses: Set<string> | null;
}

class SelectionTally {
  looked = 0;
  unchanged = 0;
  /** How many go into quarantine. */
  aside = 0;
  unmarked = 0;
  limited = false;
  readonly #quarantine: string | null;
  readonly #addressedBy: string | null;
  readonly #destinations = new Map<string, number>();
  readonly #removed = new Map<string, number>();
  readonly #leftOut = new Map<string, LeftOut & { count: number }>();
  readonly #causes = new Map<string, { said: Omit<CauseCount, 'count'>; count: number }>();
  readonly #edits = new Map<string, { readonly changes: readonly Change[]; count: number }>();
  readonly #facts = new Map<string, GrowingFacts>();
  readonly #delays: number[] = [];
  #otherEdits = 0;
  #deliveries: number | null = null;

  constructor(quarantine: string | null, addressedBy: string | null) {
    this.#quarantine = quarantine;
    this.#addressedBy = addressedBy;
  }

  delivered(count: number): void {
    this.#deliveries = Math.max(count, this.#deliveries ?? 0);
  }

  goes(destination: string, { message, failure }: Letter, { message: outgoing, removed }: Outgoing): void {
    const facts = this.#facts.get(destination) ?? {
      consumers: new Set<string>(),
      oldestAt: Infinity,
      addresses: this.#addressedBy === null ? null : new Set<string>(),
    };
    this.#facts.set(destination, facts);
    if (facts.addresses !== null && this.#addressedBy !== null) {
      const address = outgoing.properties[this.#addressedBy];
      if (typeof address !== 'string' || facts.addresses.size >= addressesKept) facts.addresses = null;
      else facts.addresses.add(address);
    }
    const consumer = failure?.consumer ?? null;
    if (consumer !== null && facts.consumers.size < consumersKept) facts.consumers.add(consumer);
    const sentAt = failure?.sentAt ?? message.timestamp;
    if (sentAt !== null) facts.oldestAt = Math.min(sentAt, facts.oldestAt);
    // Who noted when it was sent and not when it died published the dead letter as a message of its own, at that time.
    const at = failure?.at ?? ((failure?.sentAt ?? null) === null ? null : message.timestamp);
    if (at !== null && sentAt !== null && at >= sentAt && this.#delays.length < delaysKept)
      this.#delays.push(at - sentAt);
    this.#destinations.set(destination, (this.#destinations.get(destination) ?? 0) + 1);
    for (const name of removed) this.#removed.set(name, (this.#removed.get(name) ?? 0) + 1);
  }

  /** For the plan's last line. */
  said(): Pick<PlanTotals, 'destinations' | 'failureDelayMs'> {
    const destinations = Object.fromEntries(
      [...this.#facts].map(([channel, { consumers, oldestAt, addresses }]) => [
        channel,
        {
          consumers: [...consumers].sort(),
          oldestAt: oldestAt === Infinity ? null : oldestAt,
          addresses: addresses === null ? null : [...addresses].sort(),
        },
      ]),
    );
    // The middle one: some waited for days before they were tried at all.
    const delays = this.#delays.toSorted((one, other) => one - other);
    return { destinations, failureDelayMs: delays[Math.floor(delays.length / 2)] ?? null };
  }

  stays(leftOut: LeftOut): void {
    const key = `${leftOut.as} ${leftOut.reason}`;
    const known = this.#leftOut.get(key);
    if (known !== undefined) known.count += 1;
    else if (this.#leftOut.size < reasonsKept) this.#leftOut.set(key, { ...leftOut, count: 1 });
  }

  edited(changes: readonly Change[]): void {
    const kind = changes.map(({ path, before, after }) => [path, before === null, after === null]);
    const key = JSON.stringify(kind);
    const known = this.#edits.get(key);
    if (known !== undefined) known.count += 1;
    else if (this.#edits.size < reasonsKept) this.#edits.set(key, { changes, count: 1 });
    else this.#otherEdits += 1;
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
      edits: [...this.#edits.values()],
      otherEdits: this.#otherEdits,
      quarantined:
        this.#quarantine === null || this.aside === 0
          ? null
          : { channel: this.#quarantine, count: this.aside },
      unchanged: this.unchanged,
      highestDeliveryCount: reported ?? this.#deliveries,
      unmarked: this.unmarked,
      limited: this.limited,
    };
  }
}
