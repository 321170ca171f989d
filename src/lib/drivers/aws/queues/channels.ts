/** What queues there are, and what is in them. */
import { NotFoundError } from '../../../errors.ts';
import { globMatches } from '../../../message/glob.ts';
import type { ChannelSummary } from '../../driver.ts';
import { isFifo } from './queue-name.ts';
import type { Attributes, Session } from './session.ts';

/** So many queues are asked about at once, each with one request. */
const concurrent = 16;

/** `match` is a glob; null for all. A queue that is deleted in the meantime is left out. */
export async function* listQueues(
  session: Session,
  request: { readonly match: string | null },
  signal: AbortSignal,
): AsyncGenerator<ChannelSummary> {
  for await (const chunk of queuesMatching(session, request.match, signal)) {
    const summaries = await Promise.all(
      chunk.map(async (queue) => {
        const attributes = await attributesIfThere(session, queue, signal);
        return attributes === null ? null : queueSummary(queue, attributes);
      }),
    );
    yield* summaries.filter((summary) => summary !== null);
  }
}

/** Names by a glob, some at a time. SQS itself searches by the beginning. */
export async function* queuesMatching(
  session: Session,
  match: string | null,
  signal: AbortSignal,
): AsyncGenerator<readonly string[]> {
  const prefix = /^[^*?]*/.exec(match ?? '')?.[0] ?? '';
  let chunk: string[] = [];
  for await (const name of session.names(prefix, signal)) {
    if (!globMatches(match, name)) continue;
    chunk.push(name);
    if (chunk.length < concurrent) continue;
    yield chunk;
    chunk = [];
  }
  if (chunk.length > 0) yield chunk;
}

/** null where it was deleted in the meantime: a list shows deleted queues for a minute. */
export async function attributesIfThere(
  session: Session,
  queue: string,
  signal: AbortSignal,
): Promise<Attributes | null> {
  try {
    return await session.attributes(queue, signal);
  } catch (error) {
    if (error instanceof NotFoundError) return null;
    throw error;
  }
}

/** Of three approximate counts: visible, in flight, and delayed. */
export interface Depth {
  readonly waiting: number;
  readonly inFlight: number;
  readonly delayed: number;
}

/** From the attributes `ApproximateNumberOfMessages…`; one that is not there counts as 0. */
export function depthOf(attributes: Attributes): Depth {
  const count = (name: string): number => Number(attributes[name] ?? 0);
  return {
    waiting: count('ApproximateNumberOfMessages'),
    inFlight: count('ApproximateNumberOfMessagesNotVisible'),
    delayed: count('ApproximateNumberOfMessagesDelayed'),
  };
}

/** `messages` are visible, in flight and delayed ones together; null is what SQS does not tell. */
export function queueSummary(queue: string, attributes: Attributes): ChannelSummary {
  const { waiting, inFlight, delayed } = depthOf(attributes);
  return {
    channel: queue,
    type: isFifo(queue) ? 'fifo' : 'standard',
    partitions: null,
    messages: waiting + inFlight + delayed,
    approximate: true,
    consumers: null,
    bytes: null,
  };
}
