import { isUtf8 } from 'node:buffer';

import type { Message } from '../message/message.ts';
import { toRecord } from '../message/record.ts';

/** Systems bound one variable to 128 KiB, and all of them together: what is longer is left out and named. */
const longestVariable = 32 * 1024;

export interface Attempt {
  /** From 1. */
  readonly attempt: number;
  readonly maxAttempts: number;
  /** null: taken from the channel itself. */
  readonly group: string | null;
}

/**
 * What a command learns of its message: variables that begin with `MQCTL_`, as the record (`record.ts`) says them. What
 * is null is not set. `MQCTL_LEFT_OUT` names those that cannot be a variable: too long, or with a zero byte.
 */
export function messageEnvironment(
  message: Message,
  { attempt, maxAttempts, group }: Attempt,
): Readonly<Record<string, string>> {
  const { channel, partition, offset, id, timestamp, headers, properties, delivery } = toRecord(message);
  const { key, value } = message;
  const text = key !== null && isUtf8(key);
  const said: Readonly<Record<string, string | null>> = {
    MQCTL_CHANNEL: channel,
    MQCTL_PARTITION: partition,
    MQCTL_OFFSET: offset,
    MQCTL_ID: id,
    MQCTL_TIMESTAMP: timestamp?.toString() ?? null,
    MQCTL_KEY: text ? Buffer.from(key).toString('utf8') : null,
    MQCTL_KEY_BASE64: key === null || text ? null : Buffer.from(key).toString('base64'),
    MQCTL_HEADERS: JSON.stringify(headers),
    MQCTL_PROPERTIES: JSON.stringify(properties),
    MQCTL_NULL_VALUE: value === null ? 'true' : null,
    MQCTL_DELIVERY_COUNT: delivery.count?.toString() ?? null,
    MQCTL_GROUP: group,
    MQCTL_ATTEMPT: attempt.toString(),
    MQCTL_MAX_ATTEMPTS: maxAttempts.toString(),
  };
  const environment: Record<string, string> = {};
  const leftOut: string[] = [];
  for (const [name, content] of Object.entries(said)) {
    if (content === null) continue;
    if (content.includes('\0') || Buffer.byteLength(content) > longestVariable) leftOut.push(name);
    else environment[name] = content;
  }
  return leftOut.length === 0 ? environment : { ...environment, MQCTL_LEFT_OUT: leftOut.join(',') };
}
