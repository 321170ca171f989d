/** Looking: free in a stream, a counted delivery in a queue. */
import type { Appraisal, Look } from '../driver.ts';
import { AmqpQueues } from './amqp-queues.ts';
import { deletesItself } from './auto-delete.ts';
import { readableQueue } from './channel-name.ts';
import { pairsOf } from './dead-letters.ts';
import { numberOf } from './json.ts';
import { lookAtQueue } from './look-queue.ts';
import { lookAtStream } from './look-stream.ts';
import type { Management } from './management.ts';
import { deliveryLimit, goesBackByClosing, usualDeliveryLimit } from './delivery-limit.ts';
import { queueFacts, queuePages } from './queue-facts.ts';
import type { QueueFacts } from './queue-facts.ts';
import { queueType } from './queue-type.ts';
import type { QueueType } from './queue-type.ts';
import { Routing } from './routing.ts';
import type { Session } from './session.ts';

/** So few are got faster than a consumer is asked about. */
const gotOneByOne = 10;

/** Looking at a queue counts as a delivery, at a stream it is free. Throws `NotFoundError`, `DeniedError`, `UsageError`. */
export function look(session: Session, management: Management): Look {
  return {
    async appraise(channel, signal) {
      const queue = readableQueue(channel);
      const type = await queueType(session, queue, signal);
      const state = await new AmqpQueues(session).checked(queue, session.target, signal);
      const known = await declared(session, management, queue, type, signal);
      return {
        cost: type === 'stream' ? 'free' : 'delivery',
        // A stream's own count comes late, over AMQP.
        waiting: type === 'stream' ? null : state.ready,
        consumers: state.consumers,
        ...known,
      };
    },

    async open(request, signal) {
      const queue = readableQueue(request.channel);
      const type = await queueType(session, queue, signal);
      if (type === 'stream') return lookAtStream(session, queue, request, signal);
      const state = await new AmqpQueues(session).checked(queue, session.target, signal);
      const few = request.limit !== null && request.limit <= gotOneByOne;
      const noticed =
        few || state.consumers !== 0 || (await deletesItself(session, management, queue, signal));
      // Each that is got is a consumer of its own, named by its number; a quorum queue takes back in the order of names as texts.
      const keepsOrder = !noticed || (request.limit ?? Infinity) < 10;
      const closeToGiveBack =
        keepsOrder && type === 'quorum' && (await goesBackByClosing(session, management, queue, signal));
      const there = { name: queue, type, ready: state.ready ?? 0, oneByOne: noticed, closeToGiveBack };
      return lookAtQueue(session, there, request, signal);
    },
  };
}

/** What only the management API knows. */
async function declared(
  session: Session,
  management: Management,
  queue: string,
  type: QueueType,
  signal: AbortSignal,
): Promise<Pick<Appraisal, 'deliveryLimit' | 'longestHoldMs' | 'deadLetterChannel'>> {
  const { api } = await management.reach(signal);
  if (api === null)
    return {
      deliveryLimit: type === 'quorum' ? usualDeliveryLimit : null,
      longestHoldMs: type === 'stream' ? null : usualConsumerTimeoutMs,
      deadLetterChannel: false,
    };
  const { vhost } = session.address;
  const facts = await queueFacts(api, vhost, queue, signal);
  const routing = new Routing(api, vhost);
  let deadLetterChannel = false;
  for await (const page of queuePages(api, vhost, signal)) {
    for (const other of page) {
      const pairs = await pairsOf(other, routing, signal);
      deadLetterChannel ||= pairs.some(({ deadLetter }) => deadLetter === queue);
    }
    if (deadLetterChannel) break;
  }
  return {
    deliveryLimit: facts === null ? null : await deliveryLimit(session, api, facts, signal),
    longestHoldMs: type === 'stream' ? null : consumerTimeoutMs(facts),
    deadLetterChannel,
  };
}

/** `consumer_timeout`, where nothing else is set: the broker tells its own setting to nobody. */
const usualConsumerTimeoutMs = 30 * 60_000;

/** RabbitMQ, "Consumer Delivery Acknowledgement Timeout": of the queue, as an argument or by a policy. */
function consumerTimeoutMs(facts: QueueFacts | null): number {
  const limits = [
    numberOf(facts?.arguments['x-consumer-timeout']),
    numberOf(facts?.effectivePolicy['consumer-timeout']),
  ].filter((limit) => limit !== null);
  return limits.length === 0 ? usualConsumerTimeoutMs : Math.min(...limits);
}
