import type { Appraisal } from '../drivers/driver.ts';
import { UsageError } from '../errors.ts';

/** Without a bound said, a look that costs something takes so many. */
export const costlyLookLimit = 10;
/** More than so many of a look that costs something needs a yes. */
const costlyLookMost = 1_000;

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
  const cost = `a look at "${channel}" ${costWords[appraisal.cost]}${limitWords(appraisal)}`;
  // Through a subscription of its own it keeps nothing from others, and shows only what comes.
  if (appraisal.cost === 'subscription') return { limit: wanted ?? Infinity, cost, consent: null };
  if (follow) {
    throw new UsageError(`following "${channel}" by looking would keep its messages from the consumers`, {
      hint: 'take them: --ack',
    });
  }
  const limit = wanted ?? costlyLookLimit;
  const consumers = appraisal.deadLetterChannel ? 0 : (appraisal.consumers ?? 0);
  if (consumers > 0)
    return {
      limit,
      cost,
      consent: `${cost}, and ${consumers.toString()} ${consumers === 1 ? 'consumer is' : 'consumers are'} working on it`,
    };
  return {
    limit,
    cost,
    consent: limit > costlyLookMost ? `${cost}, and ${limit.toString()} are many` : null,
  };
}

export interface LookTerms {
  /** Whether it goes on waiting for what is new. */
  readonly follow: boolean;
  /** How many at most, as was said; null: nothing was said. */
  readonly wanted: number | null;
  readonly context: { readonly name: string; readonly readOnly: boolean };
  readonly acceptCost: boolean;
  /** Asks the person, or takes `--yes`. */
  readonly agree: (question: string) => Promise<boolean>;
}

/**
 * The price of a look that was agreed to. A read-only context refuses what costs something, unless the cost was accepted.
 * Throws `UsageError` where it was refused or not agreed to.
 */
export async function agreeToPrice(
  channel: string,
  appraisal: Appraisal,
  { follow, wanted, context, acceptCost, agree }: LookTerms,
): Promise<LookPrice> {
  const price = priceOfLook(channel, appraisal, follow, wanted);
  if (price.limit !== null && context.readOnly && !acceptCost)
    throw new UsageError(`the context "${context.name}" is read-only, and ${price.cost}`, {
      hint: 'to look all the same: --accept-cost',
    });
  if (price.consent !== null && !(await agree(price.consent))) throw new UsageError('not done');
  return price;
}

const costWords = {
  delivery: 'counts as a delivery of each message',
  lease: 'hides each message from its consumers for a while, and counts as a delivery of it',
  subscription: 'makes a temporary subscription',
} as const;

function limitWords(appraisal: Appraisal): string {
  return appraisal.deliveryLimit === null ? '' : ` (of ${appraisal.deliveryLimit.toString()} allowed)`;
}
