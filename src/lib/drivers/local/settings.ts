import { UsageError } from '../../errors.ts';

/** What a channel is told to do. null: no limit. */
export interface Settings {
  readonly retentionMs: number | null;
  /** Of each partition. */
  readonly retentionMessages: number | null;
  /** Deliveries without an acknowledgement, after which a message goes to the dead-letter channel. */
  readonly maxDeliveries: number;
  readonly deadLetter: string | null;
  readonly leaseMs: number;
  /** Key, value, headers and properties together. */
  readonly maxMessageBytes: number;
  /** Of the whole channel; one more is rejected. */
  readonly maxMessages: number | null;
}

const whole = /^[0-9]{1,15}$/;

/** Names of numbers, with the least that makes sense. `partitions` is kept with the channel itself. */
const numbers: ReadonlyMap<string, number> = new Map([
  ['partitions', 1],
  ['retention.ms', 1],
  ['retention.messages', 1],
  ['max.deliveries', 1],
  ['lease.ms', 1],
  ['max.message.bytes', 1],
  ['max.messages', 1],
]);

const deadLetterName = 'dead-letter';
const mostPartitions = 10_000;

/** Throws `UsageError` for an unknown name. */
export function requireSetting(name: string): void {
  if (name === deadLetterName || numbers.has(name)) return;
  throw new UsageError(`no setting "${name}" for a channel of local:`, {
    hint: `known are ${[...numbers.keys(), deadLetterName].join(', ')}`,
  });
}

/** Throws `UsageError` for an unknown name or a value that makes no sense. */
export function checkSetting(name: string, value: string): void {
  requireSetting(name);
  if (name === deadLetterName) {
    checkChannelName(value);
    return;
  }
  const least = numbers.get(name) ?? 1;
  if (!whole.test(value) || Number(value) < least)
    throw new UsageError(`"${value}" is no value for ${name}: a whole number from ${least} is needed`);
  if (name === 'partitions' && Number(value) > mostPartitions)
    throw new UsageError(`${value} partitions are too many: at most ${mostPartitions} are possible`);
}

/** Throws `UsageError`. */
export function checkChannelName(name: string): void {
  if (name === '') throw new UsageError('a channel needs a name');
  if (name.length > 255) throw new UsageError('the name of a channel has at most 255 characters');
  if (/\p{Cc}/u.test(name)) throw new UsageError('the name of a channel cannot hold control characters');
}

/** From what was checked before it was stored. */
export function settingsOf(stored: ReadonlyMap<string, string>): Settings {
  const number = (name: string): number | null => {
    const value = stored.get(name);
    return value === undefined || !whole.test(value) ? null : Number(value);
  };
  return {
    retentionMs: number('retention.ms'),
    retentionMessages: number('retention.messages'),
    maxDeliveries: number('max.deliveries') ?? 5,
    deadLetter: stored.get(deadLetterName) ?? null,
    leaseMs: number('lease.ms') ?? 30_000,
    maxMessageBytes: number('max.message.bytes') ?? 64 * 1024 * 1024,
    maxMessages: number('max.messages'),
  };
}

/** What applies, also where nothing was set; null: no limit. */
export function effectiveSetting(settings: Settings, name: string): string | null {
  const values: Readonly<Record<string, string | number | null>> = {
    'retention.ms': settings.retentionMs,
    'retention.messages': settings.retentionMessages,
    'max.deliveries': settings.maxDeliveries,
    'lease.ms': settings.leaseMs,
    'max.message.bytes': settings.maxMessageBytes,
    'max.messages': settings.maxMessages,
    [deadLetterName]: settings.deadLetter,
  };
  return values[name]?.toString() ?? null;
}
