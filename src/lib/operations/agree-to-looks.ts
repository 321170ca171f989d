import type { Appraisal, Look } from '../drivers/driver.ts';
import { UsageError } from '../errors.ts';
import { agreeToPrice, type LookTerms } from './look-price.ts';

/** What may be looked at, after the price of each look was agreed to. */
export interface AgreedLooks {
  /** How many may be taken; null: no bound, the looks are free here. */
  readonly takeAtMost: number | null;
  /** The channels of which a look costs something. */
  readonly costly: ReadonlyMap<string, Appraisal>;
}

/**
 * Asks what a look at each channel costs, and whether that is accepted. `viaQueue`: a channel that keeps nothing may be
 * seen through a temporary queue. Throws `UsageError` where one may not be looked at, or it was not agreed to.
 */
export async function agreeToLooks(
  look: Look,
  channels: readonly string[],
  { viaQueue, ...terms }: LookTerms & { readonly viaQueue: boolean },
  signal: AbortSignal,
): Promise<AgreedLooks> {
  let takeAtMost: number | null = null;
  const costly = new Map<string, Appraisal>();
  for (const channel of channels) {
    const appraisal = await look.appraise(channel, signal);
    if (appraisal.cost === 'subscription' && !viaQueue)
      throw new UsageError(`"${channel}" keeps nothing: it is seen through a temporary queue only`, {
        hint: 'to make one, subscribe it, and remove it at the end: --follow --via-queue',
      });
    const { limit } = await agreeToPrice(channel, appraisal, terms);
    takeAtMost = limit ?? takeAtMost;
    if (limit !== null) costly.set(channel, appraisal);
  }
  return { takeAtMost, costly };
}
