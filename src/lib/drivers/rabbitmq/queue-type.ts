/**
 * Whether a queue is a stream, asked over AMQP. It must be known before anything is read: `basic.get` on a stream makes
 * RabbitMQ close the whole connection, and consuming one needs a prefetch and means another thing.
 *
 * No method says it. But `x-stream-offset` is an argument for consumers of streams alone, and RabbitMQ refuses it for any
 * other queue with a sentence that ends in `of queue type rabbit_quorum_queue`, before it delivers anything. A stream
 * takes it; with the offset `next`, nothing that is there is delivered.
 */
import { DeniedError } from '../../errors.ts';
import { codeOf, replyCode, withinTime } from './amqp-queues.ts';
import { channelFailure, serverWords } from './failures.ts';
import type { Session } from './session.ts';

export type QueueType = 'classic' | 'quorum' | 'stream' | 'other';

/** Throws `NotFoundError`, `DeniedError` where this login may not read. */
export async function queueType(session: Session, queue: string, signal: AbortSignal): Promise<QueueType> {
  const { timeoutMs, target } = session;
  const channel = await session.openChannel(signal);
  try {
    await withinTime(channel.prefetch(1), timeoutMs, signal);
    const consuming = channel.consume(queue, () => undefined, { arguments: { 'x-stream-offset': 'next' } });
    await withinTime(consuming, timeoutMs, signal);
    await withinTime(channel.close(), timeoutMs, signal);
    return 'stream';
  } catch (error) {
    if (signal.aborted) throw error;
    const words = serverWords(error);
    const type = /queue type (?:rabbit_)?(\w+?)(?:_queue)?$/.exec(words)?.[1];
    if (codeOf(error) === replyCode.preconditionFailed && type !== undefined)
      return type === 'classic' || type === 'quorum' ? type : 'other';
    if (codeOf(error) === replyCode.accessRefused)
      throw new DeniedError(`not allowed to read queue "${queue}": ${words}`, { cause: error });
    throw channelFailure(error, { kind: 'queue', name: queue }, target);
  }
}
