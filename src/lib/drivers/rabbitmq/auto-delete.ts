/**
 * Whether a queue deletes itself when its last consumer leaves: then one that only looks, or gives something back, must not
 * be a consumer.
 *
 * The management API says it. Over AMQP no method does, but declaring it does: RabbitMQ compares a declaration with the queue
 * that is there, durability first, then `auto_delete`, then the arguments, and names the first that differs. The argument given
 * here is one that no queue can have: so the declaration is always refused, and makes no queue where there is none.
 */
import { codeOf, replyCode, withinTime } from './amqp-queues.ts';
import { serverWords } from './failures.ts';
import type { Management } from './management.ts';
import { queueFacts } from './queue-facts.ts';
import type { Session } from './session.ts';

/** Milliseconds; refused by RabbitMQ for being negative. */
const impossible = { 'x-expires': -1 };

/** Where that cannot be learnt, true: then nothing is lost by it. */
export async function deletesItself(
  session: Session,
  management: Management,
  queue: string,
  signal: AbortSignal,
): Promise<boolean> {
  for (const durable of [true, false]) {
    const differing = await firstDifference(session, queue, durable, signal);
    if (differing === 'auto_delete') return true;
    if (differing !== null && differing !== 'durable') return false;
  }
  // This login may not declare it.
  const { api } = await management.reach(signal);
  const facts = api === null ? null : await queueFacts(api, session.address.vhost, queue, signal);
  return facts === null || facts.autoDelete;
}

/** Of the queue from a declaration that does not delete itself; null where RabbitMQ does not say. */
async function firstDifference(
  session: Session,
  queue: string,
  durable: boolean,
  signal: AbortSignal,
): Promise<string | null> {
  const { timeoutMs } = session;
  const channel = await session.openChannel(signal);
  try {
    const declaring = channel.assertQueue(queue, { durable, autoDelete: false, arguments: impossible });
    await withinTime(declaring, timeoutMs, signal);
    channel.close().catch(() => undefined);
    return null;
  } catch (error) {
    if (signal.aborted) throw error;
    if (codeOf(error) !== replyCode.preconditionFailed) return null;
    return /inequivalent arg '([^']+)'/.exec(serverWords(error))?.[1] ?? null;
  }
}
