import { UnsupportedError, UsageError } from '../../errors.ts';
import { nearest } from '../../nearest.ts';
import type { AlterRequest, ChannelSetting } from '../driver.ts';
import { protocolFailure } from './failures.ts';
import { describeConfigs } from './protocol/describe-configs.ts';
import { errorCodes, errorName } from './protocol/error-codes.ts';
import { alterTopicConfigs } from './protocol/incremental-alter-configs.ts';
import type { Session } from './session.ts';

/** A setting of `create` that is no topic config: how many copies of each partition. */
export const replicationSetting = 'replication.factor';

/** What a topic has that is no config of it. */
const fixedSettings: ReadonlyMap<string, string> = new Map([
  [replicationSetting, 'copies are moved by a reassignment of partitions: kafka-reassign-partitions'],
  ['partitions', 'more partitions cannot be undone, and would move keys to others: kafka-topics --alter'],
]);

const refused: ReadonlySet<number> = new Set([
  errorCodes.INVALID_CONFIG,
  errorCodes.INVALID_REQUEST,
  errorCodes.POLICY_VIOLATION,
]);

/** Throws `NotFoundError`, `UsageError` for a name that topics have not got. */
export async function topicSettings(
  session: Session,
  topic: string,
  names: readonly string[],
  signal: AbortSignal,
): Promise<readonly ChannelSetting[]> {
  const { partitions } = await session.topic(topic, signal);
  const request = { resource: 'topic', names: [topic], settings: null } as const;
  const [answer] = await session.sendToAny(describeConfigs, request, { signal });
  if (answer === undefined || answer.errorCode !== 0)
    throw protocolFailure(
      answer?.errorCode ?? -1,
      { doing: 'read the settings of', kind: 'topic', name: topic, where: session.target },
      answer?.errorMessage ?? null,
    );
  const known = new Map(answer.settings.map((setting) => [setting.name, setting]));
  return names.map((name) => {
    const fixed = fixedSettings.get(name);
    if (fixed !== undefined) {
      const count = name === 'partitions' ? partitions.length : (partitions[0]?.replicas.length ?? 0);
      return { name, own: null, effective: String(count), fixed };
    }
    const setting = known.get(name);
    if (setting === undefined) throw unknownSetting(name, [...known.keys()]);
    return {
      name,
      own: setting.ofTopic ? setting.value : null,
      effective: setting.value,
      fixed: setting.readOnly ? 'the broker says that it is read-only' : null,
    };
  });
}

/** Throws `UsageError` for a value that the broker refuses, `UnsupportedError` for what is no config of a topic. */
export async function alterTopic(
  session: Session,
  { channel, changes, checkOnly }: AlterRequest,
  signal: AbortSignal,
): Promise<void> {
  for (const { name } of changes) {
    const fixed = fixedSettings.get(name);
    if (fixed !== undefined) throw new UnsupportedError(`${name} of a topic cannot be set`, { hint: fixed });
  }
  await topicSettings(
    session,
    channel,
    changes.map(({ name }) => name),
    signal,
  );
  const request = { topic: channel, changes, validateOnly: checkOnly };
  const { errorCode, errorMessage } = await session.sendToController(alterTopicConfigs, request, { signal });
  if (errorCode === 0) return;
  if (refused.has(errorCode))
    throw new UsageError(`topic "${channel}" does not take this: ${errorMessage ?? errorName(errorCode)}`);
  throw protocolFailure(
    errorCode,
    { doing: 'change the settings of', kind: 'topic', name: channel, where: session.target },
    errorMessage,
  );
}

function unknownSetting(name: string, known: readonly string[]): UsageError {
  const meant = nearest(name, known);
  return new UsageError(`a topic has no setting "${name}"`, {
    hint: meant === null ? `known are ${known.join(', ')}` : `did you mean "${meant}"?`,
  });
}
