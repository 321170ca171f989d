import type { Message } from '../message/message.ts';
import { readFailure } from './failure.ts';
import type { PlanHead } from './plan.ts';
import type { DeadLetterSource } from './source.ts';

/**
 * The key with which a message goes to a channel that passes on by one: the plan's, else the one with which it first came, as
 * the system or a framework noted it. null for every other channel.
 */
export function routingKeyOf(
  { driver, declaration }: DeadLetterSource,
  head: PlanHead,
  destination: string,
  message: Message,
): string | null {
  const { routing = null } = declaration.facets.publish ?? {};
  if (routing === null || !destination.startsWith(routing.prefix)) return null;
  const noted = driver.deadLetters?.routingKey?.(message) ?? readFailure(message, null)?.routingKey;
  return head.routingKey ?? noted ?? '';
}
