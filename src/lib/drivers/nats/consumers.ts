/**
 * Consumers are the groups of a stream. Their names are unique within a stream only: `billing` is the one of that name
 * where there is only one, `ORDERS/billing` is always one.
 */
import type { ConsumerInfo } from '@nats-io/jetstream';
import { NotFoundError, UsageError } from '../../errors.ts';
import type { Session } from './session.ts';
import { streamsOf, unlessDeleted } from './streams.ts';

/** Consumers that this tool makes for itself begin so; they are nobody's group. */
export const ownPrefix = 'mqctl-';

export interface NamedConsumer {
  /** `billing`, or `ORDERS/billing` where another stream has one of that name. */
  readonly group: string;
  readonly consumer: ConsumerInfo;
}

/** In order of their names, without those of this tool. Throws `NotFoundError` where there is no such stream. */
export async function consumersOf(
  session: Session,
  stream: string,
  signal: AbortSignal,
): Promise<ConsumerInfo[]> {
  const found: ConsumerInfo[] = [];
  await session.ask(
    `stream "${stream}"`,
    async ({ consumers }) => {
      for await (const consumer of consumers.list(stream)) {
        signal.throwIfAborted();
        if (!consumer.name.startsWith(ownPrefix)) found.push(consumer);
      }
    },
    signal,
  );
  return found.sort((one, other) => (one.name < other.name ? -1 : 1));
}

/** Of every stream that is not deleted meanwhile. */
export async function allConsumers(session: Session, signal: AbortSignal): Promise<NamedConsumer[]> {
  const all: ConsumerInfo[] = [];
  for (const { config, state } of await streamsOf(session, null, signal))
    if (state.consumer_count > 0)
      all.push(...((await unlessDeleted(consumersOf(session, config.name, signal))) ?? []));
  const count = Map.groupBy(all, ({ name }) => name);
  return all.map((consumer) => ({
    group:
      count.get(consumer.name)?.length === 1 ? consumer.name : `${consumer.stream_name}/${consumer.name}`,
    consumer,
  }));
}

/** The consumer that a group's name means, on `stream` where that is known. Throws `NotFoundError`, `UsageError`. */
export async function consumerNamed(
  session: Session,
  group: string,
  stream: string | null,
  signal: AbortSignal,
): Promise<ConsumerInfo> {
  const found = await findConsumer(session, group, stream, signal);
  if (found === null)
    throw new NotFoundError('consumer', group, stream === null ? session.target : `"${stream}"`);
  return found;
}

/** null where there is none. Throws `UsageError` where several streams have one. */
export async function findConsumer(
  session: Session,
  group: string,
  stream: string | null,
  signal: AbortSignal,
): Promise<ConsumerInfo | null> {
  const named = splitGroup(group, stream);
  if (named !== null) return infoOf(session, named.stream, named.consumer, signal);
  if (/[\s.*>/\\]/.test(group)) return null;
  const found: ConsumerInfo[] = [];
  for (const { config, state } of await streamsOf(session, null, signal)) {
    if (state.consumer_count === 0) continue;
    const consumer = await infoOf(session, config.name, group, signal);
    if (consumer !== null) found.push(consumer);
  }
  const [only, another] = found;
  if (another !== undefined)
    throw new UsageError(
      `several streams have a consumer "${group}": ${found.map((one) => one.stream_name).join(', ')}`,
      { hint: `name one of them: ${another.stream_name}/${group}` },
    );
  return only ?? null;
}

/** null where the name says no stream. Throws `UsageError` for another stream than `stream`. */
export function splitGroup(
  group: string,
  stream: string | null,
): { readonly stream: string; readonly consumer: string } | null {
  const [first = '', second, ...more] = group.split('/');
  if (second === undefined) return stream === null ? null : { stream, consumer: group };
  if (more.length > 0 || first === '' || second === '')
    return stream === null ? null : { stream, consumer: group };
  if (stream !== null && first !== stream)
    throw new UsageError(`the consumer "${group}" is one of another stream than "${stream}"`);
  return { stream: first, consumer: second };
}

async function infoOf(
  session: Session,
  stream: string,
  consumer: string,
  signal: AbortSignal,
): Promise<ConsumerInfo | null> {
  if (/[\s.*>/\\]/.test(consumer) || consumer === '') return null;
  try {
    return await session.ask(
      `consumer "${consumer}"`,
      ({ consumers }) => consumers.info(stream, consumer),
      signal,
    );
  } catch (error) {
    if (error instanceof NotFoundError) return null;
    throw error;
  }
}

/**
 * Who asks for messages: pull requests that wait, or the one subscription that is pushed to. NATS does not tell whose they
 * are, and who works on what it got and asks for no more is not seen.
 */
export function membersOf({ config, num_waiting: waiting, push_bound: bound }: ConsumerInfo): number {
  return isPush(config) ? (bound ? 1 : 0) : waiting;
}

/** Whether the server sends to a subject by itself; else messages are asked for (pull). */
export function isPush({ deliver_subject: subject }: ConsumerInfo['config']): boolean {
  return subject !== undefined && subject !== '';
}

/** The subjects that it reads; empty: all of the stream. */
export function filtersOf({
  filter_subject: one,
  filter_subjects: several,
}: ConsumerInfo['config']): string[] {
  if (several !== undefined && several.length > 0) return [...several];
  return one === undefined || one === '' ? [] : [one];
}
