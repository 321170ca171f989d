/** How often a quorum queue gives out a message before it drops it, and what follows for giving messages back. */
import { MqctlError } from '../../errors.ts';
import type { AmqpConnection } from './amqp-client.ts';
import { numberOf } from './json.ts';
import type { Management, ManagementApi } from './management.ts';
import { highest, readPolicies } from './policies.ts';
import { queueFacts, type QueueFacts } from './queue-facts.ts';
import { serverWords } from './server-words.ts';
import type { Session } from './session.ts';

/** Of a quorum queue, from RabbitMQ 4.0 on, where nothing else is set. Without the management API, it is taken for granted. */
export const usualDeliveryLimit = 20;
/** The first version with a limit where none is set: 4.0. */
const firstWithLimit = 400;
/** The first version in which what is rejected and goes back is no delivery, and what a channel leaves at its end is one: 4.3. */
const firstWithoutCounting = 403;

/**
 * Whether what is held of a quorum queue should go back by closing its channel. One without a delivery limit writes
 * each message that is rejected to its log anew, behind all others (measured on 4.0: 100,000 take seconds); what a channel leaves
 * at its end it has again at once, where it was. With a limit there is no such difference, as long as both count alike.
 */
export async function goesBackByClosing(
  session: Session,
  management: Management,
  queue: string,
  signal: AbortSignal,
): Promise<boolean> {
  if (versionOf(await session.connection('read', signal)) < firstWithoutCounting) return true;
  try {
    const { api } = await management.reach(signal);
    const facts = api === null ? null : await queueFacts(api, session.address.vhost, queue, signal);
    if (api === null || facts?.type !== 'quorum') return false;
    return (await deliveryLimit(session, api, facts, signal)) === null;
  } catch (error) {
    if (!(error instanceof MqctlError)) throw error;
    signal.throwIfAborted();
    return false;
  }
}

/**
 * As the broker applies it; of a queue that is new, whose statistics come later, as it was declared and as the policies say that
 * will reach it. null: none. What nobody says is what is usual.
 */
export async function deliveryLimit(
  session: Session,
  api: ManagementApi,
  facts: QueueFacts,
  signal: AbortSignal,
): Promise<number | null> {
  if (facts.deliveryLimit !== null) return facts.deliveryLimit < 0 ? null : facts.deliveryLimit;
  if (facts.type !== 'quorum') return null;
  const said = [
    numberOf(facts.arguments['x-delivery-limit']),
    ...(await policyLimits(api, session.address.vhost, facts, signal)),
  ].filter((limit) => limit !== null);
  // Of several the smallest holds; below 0 there is none, and another one's word counts.
  const limits = said.filter((limit) => limit >= 0);
  if (limits.length > 0) return Math.min(...limits);
  if (said.length > 0) return null;
  return versionOf(await session.connection('read', signal)) < firstWithLimit ? null : usualDeliveryLimit;
}

/** 401 of 4.1.3; what is not said is taken for the newest. */
function versionOf(connection: AmqpConnection): number {
  const [, major, minor] = /^(\d{1,4})\.(\d{1,2})\b/.exec(serverWords(connection).version ?? '') ?? [];
  return major === undefined ? Infinity : Number(major) * 100 + Number(minor);
}

/** What a login may not see is left out. */
async function policyLimits(
  api: ManagementApi,
  vhost: string,
  facts: QueueFacts,
  signal: AbortSignal,
): Promise<readonly (number | null)[]> {
  const limits: (number | null)[] = [numberOf(facts.effectivePolicy['delivery-limit'])];
  for (const kind of ['policies', 'operator-policies'] as const)
    try {
      const policy = highest(await readPolicies(api, vhost, kind, signal), facts);
      limits.push(numberOf(policy?.definition['delivery-limit']));
    } catch (error) {
      if (!(error instanceof MqctlError)) throw error;
      signal.throwIfAborted();
    }
  return limits;
}
