import type { DeadLetters, LookReport } from '../drivers/driver.ts';
import type { Message } from '../message/message.ts';
import type { DecodeMessages } from '../operations/decode-messages.ts';
import { causeOf } from './cause.ts';
import { ContentHash } from './content-hash.ts';
import { Duplicates } from './duplicates.ts';
import { readFailure, toDeadLetter, type NativeReader } from './failure.ts';
import type { Fingerprint } from './fingerprint.ts';
import { wholeChannel, type LookRange } from './look-range.ts';
import { messageName } from './message-name.ts';
import { unresolvedOf } from './resolution.ts';
import { isCause } from './select.ts';
import { lookOf, type DeadLetterSource } from './source.ts';

export interface InspectRequest {
  readonly channel: string;
  /** What a schema makes of them, before the filter sees them; nobody is asked where it is left out. */
  readonly decode?: DecodeMessages;
  /** All of it where it is left out. */
  readonly range?: LookRange;
  readonly keep: (message: Message) => boolean;
  /** Fingerprints, or their beginnings; null: any. */
  readonly causes: readonly string[] | null;
  /** As `Inspected.name` says them; any where it is left out. */
  readonly ids?: ReadonlySet<string> | null;
  /** How many that are kept end it; null: all. */
  readonly limit: number | null;
  /** At most so many may be looked at; null: a look is free here. */
  readonly takeAtMost: number | null;
  /** Those that were resolved, too. */
  readonly all: boolean;
}

/** A dead letter with what it says about its death. */
export interface Inspected {
  /** `deadLetter` holds the facts of the system and of every framework. */
  readonly message: Message;
  /** As `--id` takes it. */
  readonly name: string;
  readonly fingerprint: Fingerprint;
  readonly resolved: boolean;
  /** The name of an earlier one with the same content; null: none was seen. */
  readonly duplicateOf: string | null;
}

export interface InspectResult {
  readonly shown: number;
  /** False where the limit ended it. */
  readonly complete: boolean;
  /** There were so many different ones that some duplicates may have gone unnoticed. */
  readonly duplicatesUncertain: boolean;
  readonly report: LookReport;
}

/** Looks at the dead letters of a channel, in its order. `deliver` resolves when they are written out. */
export async function inspectDeadLetters(
  source: DeadLetterSource,
  request: InspectRequest,
  deliver: (batch: readonly Inspected[]) => Promise<void>,
  signal: AbortSignal,
): Promise<InspectResult> {
  const { channel, range = wholeChannel, ids = null, keep, causes, limit, takeAtMost, all } = request;
  const { deadLetters } = source.driver;
  const unresolved = await unresolvedOf(source, channel, signal);
  const looking = await lookOf(source).open(
    {
      channel,
      ...range,
      follow: false,
      partitions: null,
      limit: takeAtMost,
      uncommitted: false,
    },
    signal,
  );
  const inspect = new Inspector(deadLetters);
  let shown = 0;
  let complete = true;
  for await (const batch of looking.batches) {
    const kept: Inspected[] = [];
    for (const message of request.decode === undefined ? batch : await request.decode(batch)) {
      const resolved = !unresolved.has(message);
      if (resolved && !all) continue;
      const inspected = inspect.read(message, resolved);
      const wanted = isCause(causes, inspected.fingerprint.id) && (ids === null || ids.has(inspected.name));
      if (!wanted || !keep(inspected.message)) continue;
      if (limit !== null && shown + kept.length >= limit) {
        complete = false;
        break;
      }
      kept.push(inspected);
    }
    shown += kept.length;
    if (kept.length > 0) await deliver(kept);
    if (!complete) break;
  }
  signal.throwIfAborted();
  return { shown, complete, duplicatesUncertain: inspect.duplicatesUncertain, report: looking.report() };
}

/** Reads dead letters one after the other, and remembers which ones it has met. */
export class Inspector {
  readonly #native: NativeReader;
  readonly #hash: ContentHash;
  readonly #duplicates: Duplicates;

  constructor(deadLetters: DeadLetters | undefined) {
    this.#native = deadLetters === undefined ? null : deadLetters.read.bind(deadLetters);
    const { volatileHeaders = [], volatileProperties = [] } = deadLetters ?? {};
    this.#hash = new ContentHash({ volatileHeaders, volatileProperties });
    this.#duplicates = new Duplicates(deadLetters);
  }

  get duplicatesUncertain(): boolean {
    return this.#duplicates.full;
  }

  read(message: Message, resolved: boolean): Inspected {
    const failure = readFailure(message, this.#native);
    const named = message.id !== null || message.offset !== null;
    const name = messageName(message, named ? '' : this.#hash.of(message));
    return {
      message: failure === null ? message : { ...message, deadLetter: toDeadLetter(failure) },
      name,
      fingerprint: causeOf(message, failure),
      resolved,
      duplicateOf: this.#duplicates.firstOf(message, name),
    };
  }
}
