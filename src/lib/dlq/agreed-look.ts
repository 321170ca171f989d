import type { Appraisal } from '../drivers/driver.ts';
import { UsageError } from '../errors.ts';
import { priceOfLook, refuseCostIn } from '../operations/look-price.ts';
import { lookOf, type DeadLetterSource } from './source.ts';

export interface LookTerms {
  /** How many at most, as `--limit` said; `all`: as many as wait; null: nothing was said. */
  readonly wanted: number | 'all' | null;
  readonly context: { readonly name: string; readonly readOnly: boolean };
  readonly acceptCost: boolean;
  /** Asks the person, or takes `--yes`. */
  readonly agree: (question: string) => Promise<boolean>;
}

export interface AgreedLook {
  readonly appraisal: Appraisal;
  /** At most so many may be looked at; null: a look is free here. */
  readonly takeAtMost: number | null;
  /** What it costs, as a sentence; empty where it is free. */
  readonly cost: string;
}

/** What a look at these dead letters costs was said and agreed to. Throws `UsageError` where it was not. */
export async function agreeToLook(
  source: DeadLetterSource,
  channel: string,
  { wanted, context, acceptCost, agree }: LookTerms,
  signal: AbortSignal,
): Promise<AgreedLook> {
  const appraisal = await lookOf(source).appraise(channel, signal);
  const most = wanted === 'all' ? appraisal.waiting : wanted;
  const price = priceOfLook(channel, appraisal, false, most);
  if (!acceptCost) refuseCostIn(context, price);
  if (price.consent !== null && !(await agree(price.consent))) throw new UsageError('not done');
  return { appraisal, takeAtMost: price.limit, cost: price.cost };
}
