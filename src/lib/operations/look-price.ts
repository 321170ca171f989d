import type { Appraisal } from '../drivers/driver.ts';
import { UsageError } from '../errors.ts';

/** Without a bound said, a look that costs something takes so many. */
export const costlyLookLimit = 10;
/** More than so many of a look that costs something needs a yes. */
export const costlyLookMost = 1_000;

export interface LookPrice {
  /** At most so many may be taken; null: no bound, a look is free here. */
  readonly limit: number | null;
  /** What it costs, as a sentence; empty where it is free. */
  readonly cost: string;
  /** What has to be agreed to before, as a sentence; null: nothing. */
  readonly consent: string | null;
}

/**
 * What may be taken by a look, and what has to be agreed to. `wanted` is what `--limit` said, null where it said nothing.
 * Throws `UsageError` for following where that would starve the consumers.
 */
export function priceOfLook(
  channel: string,
  appraisal: Appraisal,
  follow: boolean,
  wanted: number | null,
): LookPrice {
  if (appraisal.cost === 'free') return { limit: null, cost: '', consent: null };
  if (follow) {
    throw new UsageError(`following "${channel}" by looking would keep its messages from the consumers`, {
      hint: 'take them: --ack',
    });
  }
  const limit = wanted ?? costlyLookLimit;
  const cost = `a look at "${channel}" ${costWords[appraisal.cost]}${limitWords(appraisal)}`;
  const consumers = appraisal.deadLetterChannel ? 0 : (appraisal.consumers ?? 0);
  if (consumers > 0)
    return { limit, cost, consent: `${cost}, and ${consumers.toString()} consumers are working on it` };
  return {
    limit,
    cost,
    consent: limit > costlyLookMost ? `${cost}, and ${limit.toString()} are many` : null,
  };
}

/** A read-only context refuses what costs something. Throws `UsageError`. */
export function refuseCostIn(
  context: { readonly name: string; readonly readOnly: boolean },
  { limit, cost }: LookPrice,
): void {
  if (limit === null || !context.readOnly) return;
  throw new UsageError(`the context "${context.name}" is read-only, and ${cost}`, {
    hint: 'to look all the same: --accept-cost',
  });
}

const costWords = {
  delivery: 'counts as a delivery of each message',
  lease: 'hides each message from its consumers for a while',
  subscription: 'makes a temporary subscription',
} as const;

function limitWords(appraisal: Appraisal): string {
  return appraisal.deliveryLimit === null ? '' : ` (of ${appraisal.deliveryLimit.toString()} allowed)`;
}
