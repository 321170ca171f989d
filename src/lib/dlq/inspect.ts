import type { LookReport } from '../drivers/driver.ts';
import type { Message } from '../message/message.ts';
import { readFailure, toDeadLetter } from './failure.ts';
import { fingerprint, type Fingerprint } from './fingerprint.ts';
import { unresolvedOf } from './resolution.ts';
import { isCause } from './select.ts';
import { lookOf, type DeadLetterSource } from './source.ts';

export interface InspectRequest {
  readonly channel: string;
  readonly keep: (message: Message) => boolean;
  /** Fingerprints, or their beginnings; null: any. */
  readonly causes: readonly string[] | null;
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
  /** null where it says nothing about its death. */
  readonly fingerprint: Fingerprint | null;
  readonly resolved: boolean;
}

export interface InspectResult {
  readonly shown: number;
  /** False where the limit ended it. */
  readonly complete: boolean;
  readonly report: LookReport;
}

/** Looks at the dead letters of a channel, in its order. `deliver` resolves when they are written out. */
export async function inspectDeadLetters(
  source: DeadLetterSource,
  request: InspectRequest,
  deliver: (batch: readonly Inspected[]) => Promise<void>,
  signal: AbortSignal,
): Promise<InspectResult> {
  const { channel, keep, causes, limit, takeAtMost, all } = request;
  const { deadLetters } = source.driver;
  const native = deadLetters === undefined ? null : deadLetters.read.bind(deadLetters);
  const unresolved = await unresolvedOf(source, channel, signal);
  const looking = await lookOf(source).open(
    {
      channel,
      from: { every: { kind: 'start', shift: 0n } },
      until: null,
      follow: false,
      partitions: null,
      limit: takeAtMost,
      uncommitted: false,
    },
    signal,
  );
  let shown = 0;
  let complete = true;
  for await (const batch of looking.batches) {
    const kept: Inspected[] = [];
    for (const message of batch) {
      const resolved = !unresolved.has(message);
      if (resolved && !all) continue;
      const failure = readFailure(message, native);
      const explained = failure === null ? message : { ...message, deadLetter: toDeadLetter(failure) };
      const cause = failure === null ? null : fingerprint(failure);
      if (!isCause(causes, cause?.id ?? null) || !keep(explained)) continue;
      if (limit !== null && shown + kept.length >= limit) {
        complete = false;
        break;
      }
      kept.push({ message: explained, fingerprint: cause, resolved });
    }
    shown += kept.length;
    if (kept.length > 0) await deliver(kept);
    if (!complete) break;
  }
  signal.throwIfAborted();
  return { shown, complete, report: looking.report() };
}
