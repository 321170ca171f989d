/**
 * Queues as channels beside topics: `queue:NAME`, or the ARN of one of another account. A topic and a queue may have the same name.
 */
import { nameOfArn, parseArn } from '../aws/queues/queue-name.ts';

const prefix = 'queue:';

/** The queue's own name (or ARN); null: the channel is a topic. */
export function queueOf(channel: string): string | null {
  if (channel.startsWith(prefix)) return channel.slice(prefix.length);
  return parseArn(channel) === null ? null : channel;
}

/** `queue:NAME`; the ARN of a queue stays as it is. `queueOf` reads it back. */
export function channelOfQueue(queue: string): string {
  return parseArn(queue) === null ? `${prefix}${queue}` : queue;
}

/** Of a queue by its ARN, as seen from a topic or queue with the ARN `beside`. */
export function channelOfArn(arn: string, beside: string): string {
  return channelOfQueue(nameOfArn(arn, beside.replace(/^(arn:[^:]+:)sns:/, '$1sqs:')));
}
