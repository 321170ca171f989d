import { UnsupportedError, UsageError } from '../../errors.ts';
import type { Message } from '../../message/message.ts';
import type { Appraisal, Look, Looking, LookReport, LookRequest } from '../driver.ts';
import { toMessage } from '../aws/queues/message.ts';
import type { Session } from './session.ts';
import { TemporaryQueue } from './temporary-queue.ts';
import { attributesOf } from './topics.ts';

/** A topic keeps nothing: what comes from now on is seen through a queue of our own, subscribed for that time. */
export class SnsLook implements Look {
  readonly #session: Session;

  constructor(session: Session) {
    this.#session = session;
  }

  async appraise(channel: string, signal: AbortSignal): Promise<Appraisal> {
    const attributes = await attributesOf(this.#session, channel, signal);
    return {
      cost: 'subscription',
      waiting: null,
      consumers: Number(attributes['SubscriptionsConfirmed'] ?? 0),
      deadLetterChannel: false,
      deliveryLimit: null,
      longestHoldMs: null,
    };
  }

  async open(
    { channel, from, until, partitions, follow, limit }: LookRequest,
    signal: AbortSignal,
  ): Promise<Looking> {
    await attributesOf(this.#session, channel, signal);
    if (partitions !== null) throw new UsageError('a topic of SNS has no partitions');
    if (!follow)
      throw new UnsupportedError(`the topic "${channel}" keeps nothing that could be looked at`, {
        hint: 'see what comes from now on with "mqctl consume TOPIC --follow --via-queue"; the dead letters of its subscriptions lie in queues of their own, which "mqctl dlq ls" finds: mqctl dlq inspect queue:NAME',
      });
    if (until !== null || !('every' in from) || from.every.kind !== 'end' || from.every.shift !== 0n)
      throw new UsageError('a topic of SNS knows no other position than the end: it keeps nothing', {
        hint: 'leave out --from and --until',
      });
    const queue = await TemporaryQueue.open(this.#session, channel, signal);
    let looked = 0;
    const most = limit ?? Infinity;
    async function* batches(): AsyncGenerator<readonly Message[]> {
      try {
        while (looked < most) {
          signal.throwIfAborted();
          const received = (await queue.take(signal)).slice(0, most - looked);
          if (received.length === 0) continue;
          looked += received.length;
          yield received.map((one) => ({
            ...toMessage(channel, one),
            // The deliveries are those of our own queue.
            delivery: { count: null, redelivered: null },
          }));
        }
      } finally {
        await queue.remove();
      }
    }
    return {
      batches: batches(),
      expected: null,
      report: (): LookReport => ({ looked, hiddenMs: null, deliveryCount: null }),
    };
  }
}
