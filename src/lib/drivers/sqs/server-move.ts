/** SQS's own redrive: a message move task, which runs at the server (Amazon SQS API Reference, `StartMessageMoveTask`). */
import {
  CancelMessageMoveTaskCommand,
  ListMessageMoveTasksCommand,
  StartMessageMoveTaskCommand,
} from '@aws-sdk/client-sqs';
import { FailedError, UsageError } from '../../errors.ts';
import type { ServerMove, ServerMoveProgress } from '../driver.ts';
import { sourcesOf } from '../aws/queues/dead-letter-sources.ts';
import type { Session } from '../aws/queues/session.ts';

const mostPerSecond = 500;

const states: Readonly<Record<string, ServerMoveProgress['state']>> = {
  RUNNING: 'running',
  CANCELLING: 'running',
  COMPLETED: 'done',
  CANCELLED: 'cancelled',
  FAILED: 'failed',
};

/** Starting throws `UsageError` for a rate outside of 1 to 500 a second, and for what is the dead-letter queue of no queue. */
export function serverMove(session: Session): ServerMove {
  const arnOf = async (queue: string, signal: AbortSignal): Promise<string> => {
    const { QueueArn } = await session.attributes(queue, signal);
    if (QueueArn === undefined) throw new FailedError(`queue "${queue}" does not say its ARN`);
    return QueueArn;
  };
  return {
    async start({ channel, to, ratePerSecond }, signal) {
      if (ratePerSecond !== null && (ratePerSecond < 1 || ratePerSecond > mostPerSecond))
        throw new UsageError(`SQS moves 1 to ${String(mostPerSecond)} messages a second by itself`, {
          hint: 'say --rate within that, or --rate max',
        });
      if ((await sourcesOf(session, channel, signal)).length === 0)
        throw new UsageError(`"${channel}" is the dead-letter queue of no queue: SQS moves nothing from it`, {
          hint: 'leave --by-server out',
        });
      const SourceArn = await arnOf(channel, signal);
      const DestinationArn = to === null ? null : await arnOf(to, signal);
      try {
        const { TaskHandle } = await session.once(
          (client, options) =>
            client.send(
              new StartMessageMoveTaskCommand({
                SourceArn,
                ...(DestinationArn !== null && { DestinationArn }),
                ...(ratePerSecond !== null && {
                  MaxNumberOfMessagesPerSecond: Math.floor(ratePerSecond),
                }),
              }),
              options,
            ),
          signal,
        );
        return TaskHandle ?? '';
      } catch (error) {
        throw session.failure(error, channel);
      }
    },

    async progress(channel, signal) {
      const SourceArn = await arnOf(channel, signal);
      const { Results = [] } = await session.ask(
        (client, options) =>
          client.send(new ListMessageMoveTasksCommand({ SourceArn, MaxResults: 1 }), options),
        signal,
        channel,
      );
      // One runs at a time, and the newest is told first.
      const [task] = Results;
      if (task === undefined) return null;
      return {
        state: states[task.Status ?? ''] ?? 'failed',
        moved: task.ApproximateNumberOfMessagesMoved ?? 0,
        toMove: task.ApproximateNumberOfMessagesToMove ?? null,
        reason: task.FailureReason ?? null,
      };
    },

    async cancel(channel, task, signal) {
      await session.ask(
        (client, options) => client.send(new CancelMessageMoveTaskCommand({ TaskHandle: task }), options),
        signal,
        channel,
      );
    },
  };
}
