/** What can be set of a stream: the names, what they may be, and the requests that set them. */
import {
  DecreaseStreamRetentionPeriodCommand,
  IncreaseStreamRetentionPeriodCommand,
  UpdateMaxRecordSizeCommand,
  UpdateShardCountCommand,
} from '@aws-sdk/client-kinesis';
import { UsageError } from '../../errors.ts';
import { nearest } from '../../nearest.ts';
import type { Session } from './session.ts';
import { streamInput } from './streams.ts';
import type { Stream } from './streams.ts';

export type SettingName = 'RetentionPeriodHours' | 'MaxRecordSizeInKiB' | 'ShardCount';

interface Setting {
  readonly lowest: number;
  readonly highest: number;
  /** What holds where it was never set; null: every stream has its own. */
  readonly usual: number | null;
  readonly now: (stream: Stream) => number;
  readonly change: (session: Session, stream: Stream, value: number, signal: AbortSignal) => Promise<unknown>;
}

const settings: Readonly<Record<SettingName, Setting>> = {
  RetentionPeriodHours: {
    lowest: 24,
    highest: 8_760,
    usual: 24,
    now: ({ retentionHours }) => retentionHours,
    change: (session, { name, retentionHours }, value, signal) => {
      const input = { ...streamInput(name), RetentionPeriodHours: value };
      return session.ask(
        (client, options) =>
          value > retentionHours
            ? client.send(new IncreaseStreamRetentionPeriodCommand(input), options)
            : client.send(new DecreaseStreamRetentionPeriodCommand(input), options),
        signal,
        name,
      );
    },
  },
  MaxRecordSizeInKiB: {
    lowest: 1_024,
    highest: 10_240,
    usual: 1_024,
    now: ({ recordKiB }) => recordKiB,
    change: (session, { name, arn }, value, signal) =>
      session.ask(
        (client, options) =>
          client.send(new UpdateMaxRecordSizeCommand({ StreamARN: arn, MaxRecordSizeInKiB: value }), options),
        signal,
        name,
      ),
  },
  ShardCount: {
    lowest: 1,
    highest: 10_000,
    usual: null,
    now: ({ openShards }) => openShards,
    change: (session, { name }, value, signal) =>
      session.ask(
        (client, options) =>
          client.send(
            new UpdateShardCountCommand({
              ...streamInput(name),
              TargetShardCount: value,
              ScalingType: 'UNIFORM_SCALING',
            }),
            options,
          ),
        signal,
        name,
      ),
  },
};

/** Throws `UsageError` for a name that is none. */
export function settingNamed(name: string): Setting {
  const found = Object.entries(settings).find(([known]) => known === name)?.[1];
  if (found !== undefined) return found;
  const meant = nearest(name, Object.keys(settings));
  throw new UsageError(`a stream has no setting "${name}"`, {
    hint: meant === null ? `known are ${Object.keys(settings).join(', ')}` : `did you mean "${meant}"?`,
  });
}

/** null is what holds where it was never set. Throws `UsageError`. */
export function settingValue(name: string, text: string | null): number {
  const { lowest, highest, usual } = settingNamed(name);
  if (text === null) {
    if (usual !== null) return usual;
    throw new UsageError(`${name} cannot be taken away: every stream has one`, {
      hint: 'say another number',
    });
  }
  const value = /^\d{1,6}$/.test(text) ? Number(text) : Number.NaN;
  if (value >= lowest && value <= highest) return value;
  throw new UsageError(
    `${name} is a whole number from ${String(lowest)} to ${String(highest)}, not "${text}"`,
  );
}
