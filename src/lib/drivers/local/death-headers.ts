import type { DeadLetter, Header, Message } from '../../message/message.ts';

const prefix = 'x-local-death-';
const deliveryLimit = 'delivery-limit';

/** Whether it is named like those of `deathHeaders`: `x-local-death-…`. */
export function isDeathHeader(name: string): boolean {
  return name.startsWith(prefix);
}

/** Why and whence, as headers of text: `x-local-death-reason`, `-channel`, `-partition`, `-offset`, `-group`, `-attempts`, `-at`, `-timestamp`. */
export function deathHeaders(
  message: Pick<Message, 'channel' | 'partition' | 'offset' | 'timestamp'>,
  death: { readonly group: string | null; readonly attempts: number; readonly at: number },
): readonly Header[] {
  const facts: Readonly<Record<string, string | null>> = {
    reason: deliveryLimit,
    channel: message.channel,
    partition: message.partition,
    offset: message.offset,
    group: death.group,
    attempts: String(death.attempts),
    at: new Date(death.at).toISOString(),
    timestamp: message.timestamp === null ? null : new Date(message.timestamp).toISOString(),
  };
  return Object.entries(facts).flatMap(([name, value]) =>
    value === null ? [] : [{ name: `${prefix}${name}`, value: Buffer.from(value, 'utf8') }],
  );
}

/** What the broker wrote when it gave a message up; null where it did not. */
export function readDeath(headers: readonly Header[]): DeadLetter | null {
  const facts = new Map<string, string>();
  for (const { name, value } of headers)
    if (name.startsWith(prefix) && value instanceof Uint8Array)
      facts.set(name.slice(prefix.length), Buffer.from(value).toString('utf8'));
  const reason = facts.get('reason');
  if (reason === undefined) return null;
  const attempts = Number(facts.get('attempts') ?? Number.NaN);
  const at = Date.parse(facts.get('at') ?? '');
  return {
    reason,
    class: null,
    message:
      reason === deliveryLimit && Number.isSafeInteger(attempts)
        ? `not acknowledged after ${attempts} ${attempts === 1 ? 'delivery' : 'deliveries'}`
        : null,
    attempts: Number.isSafeInteger(attempts) ? attempts : null,
    origin: {
      channel: facts.get('channel') ?? null,
      partition: facts.get('partition') ?? null,
      offset: facts.get('offset') ?? null,
    },
    consumer: facts.get('group') ?? null,
    at: Number.isNaN(at) ? null : at,
  };
}
