/** The attributes of a queue that can be set, by SQS's own names, and what is checked of them before they are sent. */
import { UsageError } from '../../../errors.ts';
import { nearest } from '../../../nearest.ts';

interface SettingRule {
  /** What holds where nothing was set; null: it differs, or is nothing. */
  readonly standard: string | null;
  /** What is wrong with a value; null: nothing. */
  readonly fault: (value: string) => string | null;
  /** Why it cannot be changed later; null: it can. */
  readonly fixed: string | null;
}

const between =
  (least: number, most: number) =>
  (value: string): string | null =>
    /^\d+$/.test(value) && Number(value) >= least && Number(value) <= most
      ? null
      : `not a whole number from ${String(least)} to ${String(most)}`;
const oneOf =
  (...words: string[]) =>
  (value: string): string | null =>
    words.includes(value) ? null : `not one of ${words.join(', ')}`;
const json = (value: string): string | null => {
  try {
    JSON.parse(value);
    return null;
  } catch {
    return 'not JSON';
  }
};
const rule = (
  standard: string | null,
  fault: SettingRule['fault'],
  fixed: string | null = null,
): SettingRule => ({
  standard,
  fault,
  fixed,
});

/** Amazon SQS API Reference, `SetQueueAttributes`: names, ranges and defaults. */
const rules: Readonly<Record<string, SettingRule>> = {
  DelaySeconds: rule('0', between(0, 900)),
  MaximumMessageSize: rule('1048576', between(1024, 1_048_576)),
  MessageRetentionPeriod: rule('345600', between(60, 1_209_600)),
  ReceiveMessageWaitTimeSeconds: rule('0', between(0, 20)),
  VisibilityTimeout: rule('30', between(0, 43_200)),
  Policy: rule(null, json),
  RedrivePolicy: rule(null, json),
  RedriveAllowPolicy: rule(null, json),
  KmsMasterKeyId: rule(null, () => null),
  KmsDataKeyReusePeriodSeconds: rule('300', between(60, 86_400)),
  SqsManagedSseEnabled: rule(null, oneOf('true', 'false')),
  ContentBasedDeduplication: rule('false', oneOf('true', 'false')),
  DeduplicationScope: rule('queue', oneOf('queue', 'messageGroup')),
  FifoThroughputLimit: rule('perQueue', oneOf('perQueue', 'perMessageGroupId')),
  FifoQueue: rule(
    'false',
    oneOf('true', 'false'),
    'a queue is standard or FIFO for good: make another, and move the messages',
  ),
};

export const settingNames: readonly string[] = Object.keys(rules);

/** Ours: the number that stands in `RedrivePolicy` beside the dead-letter queue. */
export const maxReceiveCount = 'maxReceiveCount';

/** Throws `UsageError` for a name that queues have not got. */
export function settingRule(name: string): SettingRule {
  const found = rules[name];
  if (found !== undefined) return found;
  const meant = nearest(name, settingNames);
  throw new UsageError(`a queue of SQS has no setting "${name}"`, {
    hint: meant === null ? `known are ${settingNames.join(', ')}` : `did you mean "${meant}"?`,
  });
}

/** Throws `UsageError` for a name or a value that queues do not take. */
export function checkSetting(name: string, value: string): void {
  const fault = settingRule(name).fault(value);
  if (fault !== null) throw new UsageError(`${name}=${value}: ${fault}`);
}

/** Throws `UsageError`. */
export function checkReceiveCount(value: string): number {
  const fault = between(1, 1_000)(value);
  if (fault !== null) throw new UsageError(`${maxReceiveCount}=${value}: ${fault}`);
  return Number(value);
}
