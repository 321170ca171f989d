import type { Appraisal } from '../drivers/driver.ts';
import { agreeToPrice, type LookTerms } from '../operations/look-price.ts';
import { lookOf, type DeadLetterSource } from './source.ts';

export interface DeadLetterLookTerms extends Omit<LookTerms, 'follow' | 'wanted'> {
  /** How many at most, as `--limit` said; `all`: as many as wait; null: nothing was said. */
  readonly wanted: number | 'all' | null;
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
  { wanted, ...terms }: DeadLetterLookTerms,
  signal: AbortSignal,
): Promise<AgreedLook> {
  const appraisal = await lookOf(source).appraise(channel, signal);
  const most = wanted === 'all' ? appraisal.waiting : wanted;
  const price = await agreeToPrice(channel, appraisal, { ...terms, follow: false, wanted: most });
  return { appraisal, takeAtMost: price.limit, cost: price.cost };
}
