/** Streams by what a channel's name means. */
import type { StreamInfo } from '@nats-io/jetstream';
import { NotFoundError } from '../../errors.ts';
import { covers, parseChannelName } from './channel-name.ts';
import type { ChannelName } from './channel-name.ts';
import type { Session } from './session.ts';
import { ownSettings } from './stream-settings.ts';

/** A stream, or the part of it that a subject names. */
export interface StreamPlace {
  readonly kind: 'stream' | 'subject';
  /** As it was asked for. */
  readonly channel: string;
  readonly info: StreamInfo;
  /** null: all subjects of the stream. */
  readonly filter: string | null;
}

export type Place = StreamPlace | (ChannelName & { readonly kind: 'dead'; readonly channel: string });

/** Throws `NotFoundError`. What a consumer gave up is not looked for here. */
export async function placeOf(session: Session, channel: string, signal: AbortSignal): Promise<Place> {
  const name = parseChannelName(channel);
  if (name.kind === 'dead') return { ...name, channel };
  return streamPlace(session, channel, signal);
}

/** A stream or a subject of one. Throws `NotFoundError`, for what a consumer gave up, too. */
export async function streamPlace(
  session: Session,
  channel: string,
  signal: AbortSignal,
): Promise<StreamPlace> {
  const name = parseChannelName(channel);
  if (name.kind === 'stream') {
    const info = await streamNamed(session, name.stream, signal);
    if (info !== null) return { kind: 'stream', channel, info, filter: null };
  }
  const subject = name.kind === 'subject' ? name.subject : name.kind === 'stream' ? name.stream : null;
  const info = subject === null ? null : await capturing(session, subject, signal);
  if (info === null || subject === null) throw noStream(channel, session.target);
  return { kind: 'subject', channel, info, filter: subject };
}

/** null where there is none. */
export async function streamNamed(
  session: Session,
  stream: string,
  signal: AbortSignal,
): Promise<StreamInfo | null> {
  return unlessDeleted(session.ask(`stream "${stream}"`, ({ streams }) => streams.info(stream), signal));
}

/** What was asked of a stream; null where that is not there, or is deleted meanwhile. */
export async function unlessDeleted<T>(answer: Promise<T>): Promise<T | null> {
  try {
    return await answer;
  } catch (error) {
    if (error instanceof NotFoundError && error.kind === 'stream') return null;
    throw error;
  }
}

/** The stream that holds every message of this subject; null where none does. */
export async function capturing(
  session: Session,
  subject: string,
  signal: AbortSignal,
): Promise<StreamInfo | null> {
  for (const info of await streamsOf(session, subject, signal))
    if ((info.config.subjects ?? []).some((pattern) => covers(pattern, subject))) return info;
  return null;
}

/** All streams, or those of which some subject matches. */
export async function streamsOf(
  session: Session,
  subject: string | null,
  signal: AbortSignal,
): Promise<StreamInfo[]> {
  const found: StreamInfo[] = [];
  await session.ask(
    'the streams',
    async ({ streams }) => {
      for await (const info of streams.list(subject ?? '')) {
        signal.throwIfAborted();
        found.push(info);
      }
    },
    signal,
  );
  return found.sort((one, other) => (one.config.name < other.config.name ? -1 : 1));
}

function noStream(channel: string, target: string): NotFoundError {
  return new NotFoundError('stream', channel, target, {
    hint: 'no stream has that name, nor captures it as a subject: mqctl ls shows those there are',
  });
}

/** How many messages are there now; of a subject the server is asked. */
export async function messagesAt(
  session: Session,
  { info, filter }: StreamPlace,
  signal: AbortSignal,
): Promise<number> {
  if (filter === null) return info.state.messages;
  return countOf(session, info.config.name, [filter], signal);
}

/** Over all subjects that match one of the filters. */
export async function countOf(
  session: Session,
  stream: string,
  filters: readonly string[],
  signal: AbortSignal,
): Promise<number> {
  let count = 0;
  for (const filter of filters)
    for (const messages of (await subjectsOf(session, stream, filter, signal)).values()) count += messages;
  return count;
}

/** How many messages each subject has that matches. */
async function subjectsOf(
  session: Session,
  stream: string,
  filter: string,
  signal: AbortSignal,
): Promise<ReadonlyMap<string, number>> {
  const { state } = await session.ask(
    `stream "${stream}"`,
    ({ streams }) => streams.info(stream, { subjects_filter: filter }),
    signal,
  );
  return new Map(Object.entries(state.subjects ?? {}));
}

/** What differs from the usual, and where the stream is and reads from. */
export function ownDescription({ config, state, cluster }: StreamInfo): Record<string, string> {
  return {
    ...(config.subjects !== undefined && { subjects: config.subjects.join(',') }),
    ...ownSettings(config),
    ...(state.messages > 0 && { first: String(state.first_seq), last: String(state.last_seq) }),
    ...(cluster?.leader !== undefined && cluster.leader !== '' && { leader: cluster.leader }),
    ...(config.mirror !== undefined && { mirror: config.mirror.name }),
    ...(config.sources !== undefined && { sources: config.sources.map(({ name }) => name).join(',') }),
  };
}
