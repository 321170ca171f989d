import type { Appraisal } from '../drivers/driver.ts';
import type { Positions } from '../message/position.ts';
import type { DeliveryMemory } from './delivery-margin.ts';
import { belowMargin, refuseBelowMargin } from './delivery-margin.ts';
import type { SelectionResult } from './select.ts';
import { type DeadLetterSource, isFree, lookOf } from './source.ts';

/** Deliveries that a plan and its run cost each message. */
const lookingAndMoving = 2;

/**
 * One message is looked at before all of them are: where the broker would soon drop them, that is one delivery and not one of
 * each; and none where it is known from the time before.
 */
export async function refuseNearLimit(
  source: DeadLetterSource,
  memory: DeliveryMemory,
  channel: string,
  appraisal: Appraisal,
  lookAgain: boolean,
  signal: AbortSignal,
): Promise<void> {
  if (isFree(appraisal.cost) || appraisal.deliveryLimit === null || appraisal.waiting === 0) return;
  const { target } = source.driver;
  if (!lookAgain) await memory.refuseKnown(target, channel, appraisal, lookingAndMoving);
  const from: Positions = { every: { kind: 'start', shift: 0n } };
  const first = { channel, from, until: null, follow: false, partitions: null, limit: 1, uncommitted: false };
  const looking = await lookOf(source).open(first, signal);
  await Array.fromAsync(looking.batches);
  const { deliveryCount } = looking.report();
  if (belowMargin(appraisal, deliveryCount, lookingAndMoving) === null) return;
  await memory.remember(target, channel, deliveryCount ?? 0);
  refuseBelowMargin(appraisal, deliveryCount, lookingAndMoving);
}

/** What lies near the limit need not be the first one, which alone is looked at before all are: so it is kept. */
export async function rememberNear(
  memory: DeliveryMemory,
  target: string,
  channel: string,
  appraisal: Appraisal,
  { highestDeliveryCount, looked }: SelectionResult,
): Promise<void> {
  if (highestDeliveryCount !== null && belowMargin(appraisal, highestDeliveryCount, 1) !== null)
    await memory.remember(target, channel, highestDeliveryCount);
  else if (appraisal.waiting !== null && looked >= appraisal.waiting) await memory.forget(target, channel);
}
