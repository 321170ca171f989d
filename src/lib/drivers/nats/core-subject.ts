/** Where core NATS sends what is meant for a channel: it needs no stream, nor a server that has any. */
import type { StreamInfo } from '@nats-io/jetstream';
import { FailedError, NotFoundError, UsageError } from '../../errors.ts';
import { isLiteral, parseChannelName } from './channel-name.ts';
import { noJetStream } from './failures.ts';
import type { Session } from './session.ts';
import { onlyLiteral } from './subject-in-stream.ts';
import { capturing, streamNamed } from './streams.ts';

export interface CoreSubject {
  readonly subject: string;
  /** The stream that captures it; null: none does, or nobody can say. */
  readonly capturedBy: string | null;
}

/** A stream's only subject, or the name itself. Throws `UsageError`. */
export async function coreSubject(
  session: Session,
  channel: string,
  signal: AbortSignal,
): Promise<CoreSubject> {
  const name = parseChannelName(channel);
  if (name.kind === 'stream') {
    const stream = await unlessWithoutStreams(streamNamed(session, name.stream, signal));
    if (stream === null) return withCapture(session, name.stream, signal);
    const subject = onlyLiteral(stream.config.subjects ?? []);
    if (subject !== null) return { subject, capturedBy: stream.config.name };
    throw noSubject(channel, `the stream "${name.stream}" has several: name the one that is meant`);
  }
  if (name.kind === 'subject' && isLiteral(name.subject)) return withCapture(session, name.subject, signal);
  throw noSubject(channel, 'a subject is words with dots between, without blanks and wildcards: orders.new');
}

async function withCapture(session: Session, subject: string, signal: AbortSignal): Promise<CoreSubject> {
  const stream = await unlessWithoutStreams(capturing(session, subject, signal));
  return { subject, capturedBy: stream?.config.name ?? null };
}

/** The server, this account or this login has no streams: then there is none of that name for it. */
async function unlessWithoutStreams(asking: Promise<StreamInfo | null>): Promise<StreamInfo | null> {
  try {
    return await asking;
  } catch (error) {
    if (error instanceof NotFoundError) return null;
    if (error instanceof FailedError && error.code === noJetStream) return null;
    throw error;
  }
}

function noSubject(channel: string, hint: string): UsageError {
  return new UsageError(`"${channel}" is no subject to publish to`, { hint });
}
