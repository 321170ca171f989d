/** One queue with all that SQS tells of it. */
import type { ChannelDescription } from '../../driver.ts';
import { MqctlError } from '../../../errors.ts';
import { depthOf, queueSummary } from './channels.ts';
import { deadLetterOf, sourcesOf } from './dead-letter-sources.ts';
import { settingNames } from './queue-settings.ts';
import type { Session } from './session.ts';

/** Throws `NotFoundError`. */
export async function describeQueue(
  session: Session,
  queue: string,
  signal: AbortSignal,
): Promise<ChannelDescription> {
  const attributes = await session.attributes(queue, signal);
  const { waiting, inFlight, delayed } = depthOf(attributes);
  const unknown = [
    'consumers: SQS does not tell who receives from a queue',
    'age of the oldest: SQS tells it to CloudWatch alone (ApproximateAgeOfOldestMessage)',
  ];
  let deadLetterSources: readonly string[] = [];
  try {
    deadLetterSources = await sourcesOf(session, queue, signal);
  } catch (error) {
    signal.throwIfAborted();
    if (!(error instanceof MqctlError)) throw error;
    unknown.push(`whose dead letters come here: ${error.message}`);
  }
  const set = Object.entries(attributes).filter(([name]) => settingNames.includes(name));
  return {
    ...queueSummary(queue, attributes),
    partitionList: [],
    settings: {
      visible: `about ${String(waiting)}`,
      'in flight': `about ${String(inFlight)}`,
      delayed: `about ${String(delayed)}`,
      ...Object.fromEntries(set.sort(([one], [other]) => (one < other ? -1 : 1))),
      ...(attributes['QueueArn'] !== undefined && { QueueArn: attributes['QueueArn'] }),
    },
    bindings: [],
    groups: null,
    deadLetter: deadLetterOf(attributes),
    deadLetterOf: deadLetterSources,
    unknown,
  };
}
