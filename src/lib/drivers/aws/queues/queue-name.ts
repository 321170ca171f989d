/** How queues are named: by their name, or by their ARN where they are of another account. */
import { UsageError } from '../../../errors.ts';

export interface QueueName {
  readonly name: string;
  /** null: the account of the credentials. */
  readonly account: string | null;
}

const fifoSuffix = '.fifo';

/** By the end of its name or ARN. */
export function isFifo(queue: string): boolean {
  return queue.endsWith(fifoSuffix);
}

/** null for what can be no name of a queue, so that there is none. */
export function parseQueueName(channel: string): QueueName | null {
  const arn = parseArn(channel);
  if (arn !== null) return { name: arn.name, account: arn.account };
  return isName(channel) ? { name: channel, account: null } : null;
}

/** Throws `UsageError` for a name that no queue of the account of the credentials can get. */
export function checkNewName(channel: string): void {
  if (parseArn(channel) !== null)
    throw new UsageError('a queue is made in the account of the credentials', {
      hint: 'name it without an ARN',
    });
  if (!isName(channel)) throw new UsageError(`"${channel}" can be no queue of SQS`, { hint: nameRule });
}

export const nameRule =
  'names have up to 80 letters, digits, "-" and "_", and ".fifo" at the end of a FIFO queue; a queue of another account is named by its ARN';

function isName(channel: string): boolean {
  return /^[A-Za-z0-9_-]{1,80}$/.test(channel.replace(/\.fifo$/, '')) && channel.length <= 80;
}

export interface Arn {
  readonly region: string;
  readonly account: string;
  readonly name: string;
}

/** `arn:aws:sqs:eu-west-1:123456789012:orders`; null for anything else. */
export function parseArn(text: string): Arn | null {
  const [, region = '', account = '', name = ''] =
    /^arn:[^:]+:sqs:([^:]+):(\d{12}):([A-Za-z0-9_.-]+)$/.exec(text) ?? [];
  return name === '' ? null : { region, account, name };
}

/** The name of a queue beside that one: an ARN of the same region and account is the name alone. */
export function nameOfArn(text: string, own: string): string {
  const [arn, mine] = [parseArn(text), parseArn(own)];
  if (arn === null || mine === null) return text;
  return arn.region === mine.region && arn.account === mine.account ? arn.name : text;
}

export { fifoSuffix };
