import { countOf, countText, shortDuration } from './time.ts';

export interface LookCost {
  readonly looked: number;
  readonly waiting: number | null;
  /** null: unknown. */
  readonly consumers: number | null;
  /** Milliseconds for which it was hidden from them; null where it was not. */
  readonly hiddenMs: number | null;
  readonly deliveryCount: number | null;
  readonly deliveryLimit: number | null;
}

/** `looked at 10 of 512,003; hidden from 4 consumers for 0.2 s; delivery count now 3 of 20`. */
export function lookCostText(cost: LookCost): string {
  const parts = [`looked at ${countText(cost.looked)} of ${countText(cost.waiting)}`];
  const consumers = cost.consumers === null ? 'its consumers' : countOf(cost.consumers, 'consumer');
  if (cost.hiddenMs !== null) parts.push(`hidden from ${consumers} for ${shortDuration(cost.hiddenMs)}`);
  if (cost.deliveryCount !== null) {
    const limit = cost.deliveryLimit === null ? '' : ` of ${cost.deliveryLimit.toString()}`;
    parts.push(`delivery count now ${cost.deliveryCount.toString()}${limit}`);
  }
  return parts.join('; ');
}
