/**
 * What a queue or exchange can be declared with. RabbitMQ refuses a number that comes as text and ignores a name that
 * it does not know: so names and types are checked here.
 */
import { UsageError } from '../../errors.ts';
import type { QueueDeclaration } from './amqp-queues.ts';

/** The first is what is made without a word: replicated, and with a limit of deliveries. */
export const queueTypes = ['quorum', 'classic', 'stream'] as const;

export const exchangeTypes = ['direct', 'topic', 'fanout', 'headers'] as const;

type ValueType = 'text' | 'number' | 'boolean';

interface Setting {
  readonly type: ValueType;
  readonly for: readonly string[];
}

const everyQueue = ['classic', 'quorum', 'stream'];
const real = ['classic', 'quorum'];

/** RabbitMQ, "Queues", "Quorum Queues", "Streams": optional arguments. */
const known: Readonly<Record<string, Setting>> = {
  'x-message-ttl': { type: 'number', for: real },
  'x-expires': { type: 'number', for: real },
  'x-max-length': { type: 'number', for: real },
  'x-max-length-bytes': { type: 'number', for: everyQueue },
  'x-overflow': { type: 'text', for: real },
  'x-dead-letter-exchange': { type: 'text', for: real },
  'x-dead-letter-routing-key': { type: 'text', for: real },
  'x-dead-letter-strategy': { type: 'text', for: ['quorum'] },
  'x-single-active-consumer': { type: 'boolean', for: real },
  'x-max-priority': { type: 'number', for: ['classic'] },
  'x-queue-mode': { type: 'text', for: ['classic'] },
  'x-queue-version': { type: 'number', for: ['classic'] },
  'x-delivery-limit': { type: 'number', for: ['quorum'] },
  'x-quorum-initial-group-size': { type: 'number', for: ['quorum'] },
  'x-quorum-target-group-size': { type: 'number', for: ['quorum'] },
  'x-consumer-timeout': { type: 'number', for: real },
  'x-queue-leader-locator': { type: 'text', for: everyQueue },
  'x-max-age': { type: 'text', for: ['stream'] },
  'x-stream-max-segment-size-bytes': { type: 'number', for: ['stream'] },
  'x-stream-filter-size-bytes': { type: 'number', for: ['stream'] },
  'x-initial-cluster-size': { type: 'number', for: ['stream'] },
  'alternate-exchange': { type: 'text', for: ['exchange'] },
};

/** `type` is a queue's type, or `exchange`. Names may come without their `x-`. Throws `UsageError`. */
export function parseSettings(type: string, settings: Readonly<Record<string, string>>): QueueDeclaration {
  let durable = true;
  let autoDelete = false;
  const found: Record<string, string | number | boolean> = {};
  for (const [given, text] of Object.entries(settings)) {
    if (given === 'durable') durable = parseBoolean(given, text);
    else if (given === 'auto-delete') autoDelete = parseBoolean(given, text);
    else {
      const name = known[given] === undefined ? `x-${given}` : given;
      const setting = known[name];
      if (setting === undefined || !setting.for.includes(type)) throw unknownSetting(given, type);
      found[name] = parseValue(given, text, setting.type);
    }
  }
  if ((!durable || autoDelete) && (type === 'quorum' || type === 'stream'))
    throw new UsageError(`a ${type} queue is always durable and never deletes itself`, {
      hint: 'use --type classic',
    });
  return { durable, autoDelete, arguments: found };
}

function unknownSetting(name: string, type: string): UsageError {
  const names = Object.entries(known)
    .filter(([, setting]) => setting.for.includes(type))
    .map(([each]) => each);
  const what = type === 'exchange' ? 'an exchange' : `a ${type} queue`;
  return new UsageError(`${what} has no setting "${name}"`, {
    hint: `known are ${['durable', 'auto-delete', ...names].join(', ')}`,
  });
}

function parseValue(name: string, text: string, type: ValueType): string | number | boolean {
  if (type === 'text') return text;
  if (type === 'boolean') return parseBoolean(name, text);
  const number = Number(text);
  if (text.trim() === '' || !Number.isSafeInteger(number))
    throw new UsageError(`the setting ${name} takes a whole number, not "${text}"`);
  return number;
}

function parseBoolean(name: string, text: string): boolean {
  if (text === 'true') return true;
  if (text === 'false') return false;
  throw new UsageError(`the setting ${name} takes true or false, not "${text}"`);
}
