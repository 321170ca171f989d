/**
 * The frozen list of what is redriven, in a file of checked lines:
 *
 *     mqctl-plan 1
 *     {"id":"9f86d081884c7d65","channel":"orders.dlq",…}
 *     [PARTITION,OFFSET,ID,HASH,DESTINATION,BYTES,CAUSE,LEFT-OUT,WHY,REDRIVES,QUARANTINE,EDIT]   one for each ordinal, from 0
 *     {"selected":1200,"bytes":840000,"ahead":0}
 *
 * A plan without its last line was never finished, and is refused.
 */
import { FailedError, UsageError } from '../errors.ts';
import type { MessageReference } from '../drivers/driver.ts';
import { JournalFile, readJournal, readLastLine, type JournalKind } from '../store/journal-file.ts';
import type { KeepHeaders } from './outgoing.ts';

/** Version 1 had neither redrives, nor quarantine, nor edits. */
const planKind: JournalKind = { name: 'plan', version: 2 };

export interface PlanHead {
  /** 16 hex digits: the first part of every mark. */
  readonly id: string;
  /** Where it was made: the driver's own name, without secrets. */
  readonly target: string;
  readonly channel: string;
  /** Milliseconds since 1970. */
  readonly madeAt: number;
  readonly keepHeaders: KeepHeaders;
  /** Where the dead-letter channel ended, by partition, so that what comes after is known to be new. */
  readonly ends: Readonly<Record<string, string>>;
  /** Whether of equal messages that were there either all were selected or none: then one that is met again is of the plan. */
  readonly exhaustive: boolean;
  /** Published and left where it is. */
  readonly copy: boolean;
  /** What each dead letter stands for is deleted with it. */
  readonly deleteOriginals: boolean;
  /** The key for channels that pass on by one; null: each message's own. */
  readonly routingKey: string | null;
}

/** What the messages that go to one destination say, for the questions to ask before they go. */
export interface DestinationFacts {
  /** Who failed: consumers or groups, as the messages name them. */
  readonly consumers: readonly string[];
  /** When the oldest was first sent, milliseconds since 1970; null: not said. */
  readonly oldestAt: number | null;
  /** How they are addressed, where readers choose by that (`addressedBy`); null: not said, or too many to tell. */
  readonly addresses: readonly string[] | null;
}

export interface PlanItem {
  readonly ordinal: number;
  readonly reference: MessageReference;
  /** The content hash, 64 hex digits. */
  readonly hash: string;
  readonly destination: string;
  readonly bytes: number;
  /** The cause; null where the message says nothing about it. */
  readonly cause: string | null;
  /** Why it will stay where it is, known before anything is moved; null: it goes. */
  readonly leftOut: LeftOut | null;
  /** How often it was redriven before, as its mark says: of equal messages, which one is meant. */
  readonly redrives: number;
  /** Why it goes to `destination` to be put aside there; null: it goes back to work. */
  readonly quarantine: string | null;
  /** What is changed on its way, as `editText` writes it; null: nothing. */
  readonly edit: string | null;
}

const leftOutSteps = ['FAILED', 'QUARANTINED', 'SKIPPED'] as const;
/** A longer edit would make a longer line than a plan can have. */
const longestEdit = 512 * 1024;

export interface LeftOut {
  readonly as: (typeof leftOutSteps)[number];
  readonly reason: string;
}

export interface PlanTotals {
  readonly selected: number;
  readonly bytes: number;
  /** How many that are not selected lie before the last one that is: to be held where a channel is only read front to back. */
  readonly ahead: number;
  readonly destinations: Readonly<Record<string, DestinationFacts>>;
  /** How long it usually took from being sent to being a dead letter, milliseconds; null: the messages do not say. */
  readonly failureDelayMs: number | null;
}

export class PlanWriter {
  readonly #file: JournalFile;
  #selected = 0;
  #bytes = 0;

  private constructor(file: JournalFile) {
    this.#file = file;
  }

  static async create(path: string, head: PlanHead): Promise<PlanWriter> {
    const file = await JournalFile.create(path, planKind);
    file.append(JSON.stringify(head));
    return new PlanWriter(file);
  }

  /** The ordinal that the next one gets. */
  get next(): number {
    return this.#selected;
  }

  /** Throws `UsageError` for an edit that is too long. */
  async add(item: Omit<PlanItem, 'ordinal'>): Promise<number> {
    const { partition, offset, id } = item.reference;
    const { hash, destination, bytes, cause, leftOut, redrives, quarantine, edit } = item;
    if (edit !== null && edit.length > longestEdit)
      throw new UsageError(`an edit of more than ${longestEdit.toString()} characters cannot be planned`, {
        hint: 'change less of the message: a patch names only what differs',
      });
    this.#file.append(
      JSON.stringify([
        partition,
        offset,
        id,
        hash,
        destination,
        bytes,
        cause,
        leftOut?.as ?? null,
        leftOut?.reason ?? null,
        redrives,
        quarantine,
        edit,
      ]),
    );
    this.#bytes += bytes;
    if (this.#file.full) await this.#file.flush();
    return this.#selected++;
  }

  /** Nothing is added after it. */
  async finish(rest: Omit<PlanTotals, 'selected' | 'bytes'>): Promise<PlanTotals> {
    const totals = { selected: this.#selected, bytes: this.#bytes, ...rest };
    this.#file.append(JSON.stringify(totals));
    await this.#file.sync();
    await this.#file.close();
    return totals;
  }

  /** Without the last line the file is no plan. */
  async abandon(): Promise<void> {
    await this.#file.close();
  }
}

/** The head alone. Throws `FailedError`. */
export async function readPlanHead(path: string): Promise<PlanHead> {
  for await (const [first] of readJournal(path, planKind))
    if (first !== undefined) return parseHead(path, first.line, first.text);
  throw unfinished(path);
}

/** The totals alone: that the plan is finished, not that it is undamaged. Throws `FailedError`. */
export async function readPlanTotals(path: string): Promise<PlanTotals> {
  const text = await readLastLine(path);
  if (!text.startsWith('{"selected"')) throw unfinished(path);
  return parseTotals(path, null, text);
}

/** The items in their order, many at a time, then the totals. Throws `FailedError` where the plan is damaged or unfinished. */
export async function* readPlan(path: string): AsyncGenerator<readonly PlanItem[], PlanTotals> {
  let ordinal = 0;
  let totals: PlanTotals | null = null;
  for await (const lines of readJournal(path, planKind)) {
    const items: PlanItem[] = [];
    for (const { line, text } of lines) {
      if (line === 2) parseHead(path, line, text);
      else if (totals !== null) throw odd(path, line);
      else if (text.startsWith('[')) items.push(parseItem(path, line, text, ordinal++));
      else totals = parseTotals(path, line, text);
    }
    yield items;
  }
  if (totals === null || totals.selected !== ordinal) throw unfinished(path);
  return totals;
}

/** Reads a whole plan for its totals: that it is finished and undamaged. */
export async function checkPlan(
  path: string,
  onItem: (item: PlanItem) => void = () => undefined,
): Promise<PlanTotals> {
  const items = readPlan(path);
  for (;;) {
    const next = await items.next();
    if (next.done === true) return next.value;
    next.value.forEach(onItem);
  }
}

function parseHead(path: string, line: number, text: string): PlanHead {
  const fields = fieldsOf(path, line, text);
  const { id, target, channel, madeAt, keepHeaders, ends, routingKey = null } = fields;
  if (
    typeof id !== 'string' ||
    !/^[0-9a-f]{16}$/.test(id) ||
    typeof target !== 'string' ||
    typeof channel !== 'string' ||
    typeof madeAt !== 'number' ||
    (keepHeaders !== 'all' && keepHeaders !== 'failure' && keepHeaders !== 'none') ||
    typeof ends !== 'object' ||
    ends === null ||
    !isTextOrNull(routingKey)
  )
    throw odd(path, line);
  const known: [string, string][] = [];
  for (const [partition, end] of Object.entries(ends))
    if (typeof end === 'string') known.push([partition, end]);
  const [exhaustive, copy] = [fields['exhaustive'] === true, fields['copy'] === true];
  const deleteOriginals = fields['deleteOriginals'] === true;
  const place = { id, target, channel, madeAt, ends: Object.fromEntries(known) };
  return { ...place, keepHeaders, exhaustive, copy, deleteOriginals, routingKey };
}

function parseItem(path: string, line: number, text: string, ordinal: number): PlanItem {
  const parsed = parse(path, line, text);
  if (!Array.isArray(parsed)) throw odd(path, line);
  const parts: readonly unknown[] = parsed;
  const [partition, offset, id, hash, destination, bytes, cause, as, reason, ...later] = parts;
  const [redrives = 0, quarantine = null, edit = null] = later;
  if (
    !isTextOrNull(partition) ||
    !isTextOrNull(offset) ||
    !isTextOrNull(id) ||
    typeof hash !== 'string' ||
    !isDigest(hash) ||
    typeof destination !== 'string' ||
    typeof bytes !== 'number' ||
    !isTextOrNull(cause) ||
    !isTextOrNull(as) ||
    !isTextOrNull(reason) ||
    typeof redrives !== 'number' ||
    !isTextOrNull(quarantine) ||
    !isTextOrNull(edit)
  )
    throw odd(path, line);
  const step = leftOutSteps.find((known) => known === as);
  if (step === undefined && as !== null) throw odd(path, line);
  const leftOut = step === undefined ? null : { as: step, reason: reason ?? '' };
  const named = { ordinal, reference: { partition, offset, id }, hash, destination, bytes, cause };
  return { ...named, leftOut, redrives, quarantine, edit };
}

function parseTotals(path: string, line: number | null, text: string): PlanTotals {
  const { selected, bytes, ahead, destinations, failureDelayMs = null } = fieldsOf(path, line, text);
  if (typeof selected !== 'number' || typeof bytes !== 'number' || typeof ahead !== 'number')
    throw odd(path, line);
  if (failureDelayMs !== null && typeof failureDelayMs !== 'number') throw odd(path, line);
  return {
    selected,
    bytes,
    ahead,
    destinations: parseDestinations(path, line, destinations),
    failureDelayMs,
  };
}

function parseDestinations(path: string, line: number | null, value: unknown): PlanTotals['destinations'] {
  const known: [string, DestinationFacts][] = [];
  const named: readonly [string, unknown][] = Object.entries(value ?? {});
  for (const [channel, facts] of named) {
    const fields: ReadonlyMap<string, unknown> = new Map(Object.entries(facts ?? {}));
    const [consumers, oldestAt] = [fields.get('consumers'), fields.get('oldestAt')];
    if (!Array.isArray(consumers) || (oldestAt !== null && typeof oldestAt !== 'number'))
      throw odd(path, line);
    known.push([channel, { consumers: texts(consumers), oldestAt, addresses: textsOrNull(fields) }]);
  }
  return Object.fromEntries(known);
}

function texts(values: readonly unknown[]): string[] {
  return values.filter((value) => typeof value === 'string');
}

/** Plans of earlier versions say none. */
function textsOrNull(fields: ReadonlyMap<string, unknown>): readonly string[] | null {
  const addresses = fields.get('addresses');
  return Array.isArray(addresses) ? texts(addresses) : null;
}

const digestDigits = 64;

/** Hex, in lower case. Asked for every message of a plan: a pattern takes several times as long. */
function isDigest(text: string): boolean {
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    const isDigit = code >= 0x30 && code <= 0x39;
    if (!isDigit && (code < 0x61 || code > 0x66)) return false;
  }
  return text.length === digestDigits;
}

function isTextOrNull(value: unknown): value is string | null {
  return value === null || typeof value === 'string';
}

function fieldsOf(path: string, line: number | null, text: string): Readonly<Record<string, unknown>> {
  const parsed = parse(path, line, text);
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed)) throw odd(path, line);
  return Object.fromEntries(Object.entries(parsed));
}

function parse(path: string, line: number | null, text: string): unknown {
  try {
    const parsed: unknown = JSON.parse(text);
    return parsed;
  } catch {
    throw odd(path, line);
  }
}

/** `line`: null is the last one. */
function odd(path: string, line: number | null): FailedError {
  const where = line === null ? 'last line' : `line ${line.toString()}`;
  return new FailedError(`${path}, ${where}: this is no plan that mqctl wrote`, {
    code: 'DAMAGED',
  });
}

function unfinished(path: string): FailedError {
  return new FailedError(`${path} is an unfinished plan`, { code: 'DAMAGED', hint: 'make it again' });
}
