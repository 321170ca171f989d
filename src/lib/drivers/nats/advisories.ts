/**
 * NATS has no dead-letter queue: a message that ran out of deliveries, or was terminated, stays in its stream, and the server
 * tells it once, in an advisory that is gone unless a stream captures it (ADR-3, "JetStream Advisories"). What was captured
 * of one consumer is the channel `STREAM/CONSUMER/dead`; a message there is the original, found by the sequence that the
 * advisory names.
 */
import type { StreamInfo } from '@nats-io/jetstream';
import { NotFoundError } from '../../errors.ts';
import type { DeadLetter, Message } from '../../message/message.ts';
import { deadChannel, overlap } from './channel-name.ts';
import { findConsumer, ownPrefix } from './consumers.ts';
import { toMessage } from './message-codec.ts';
import type { StoredMessage } from './message-codec.ts';
import type { Session } from './session.ts';
import { storedAtEach } from './stored-messages.ts';
import { countOf, streamsOf, unlessDeleted } from './streams.ts';
import type { StreamPlace } from './streams.ts';

const prefix = '$JS.EVENT.ADVISORY.CONSUMER';
const kinds = ['MAX_DELIVERIES', 'MSG_TERMINATED'] as const;
const types: Readonly<Record<string, Advisory['kind']>> = {
  'io.nats.jetstream.advisory.v1.max_deliver': 'max deliveries',
  'io.nats.jetstream.advisory.v1.terminated': 'terminated',
};

/** What a stream that captures them has as its subjects. */
export const capturedSubjects: readonly string[] = kinds.map((kind) => `${prefix}.${kind}.>`);

export interface Advisory {
  /** Its own sequence in the stream that captured it. */
  readonly seq: number;
  readonly kind: 'max deliveries' | 'terminated';
  readonly stream: string;
  readonly consumer: string;
  /** The sequence of the message that it is about. */
  readonly messageSeq: number;
  readonly deliveries: number | null;
  /** What the consumer gave as its reason. */
  readonly reason: string | null;
  readonly at: number;
}

/** What one consumer gave up, and where that is captured. */
export interface DeadPlace {
  readonly channel: string;
  readonly stream: string;
  readonly consumer: string;
  /** The captured advisories of this consumer; other kinds may lie among them. */
  readonly captured: StreamPlace;
  readonly filters: readonly string[];
  readonly count: number;
}

/** Throws `NotFoundError` where nothing captures them, or there is no such consumer and nothing was captured of it. */
export async function deadPlaceOf(
  session: Session,
  { stream, consumer }: { readonly stream: string; readonly consumer: string },
  signal: AbortSignal,
): Promise<DeadPlace> {
  const channel = deadChannel(stream, consumer);
  const info = await captureOf(session, stream, consumer, signal);
  if (info === null)
    throw new NotFoundError('dead letters', channel, session.target, {
      hint: 'nothing captures what consumers give up: mqctl dlq watch --install shows what would be made, and asks',
    });
  const filters = kinds.map((kind) => `${prefix}.${kind}.${stream}.${consumer}`);
  const count = await countOf(session, info.config.name, filters, signal);
  if (count === 0 && (await findConsumer(session, consumer, stream, signal)) === null)
    throw new NotFoundError('consumer', consumer, `"${stream}"`);
  const filter = `${prefix}.*.${stream}.${consumer}`;
  return { channel, stream, consumer, captured: { kind: 'subject', channel, info, filter }, filters, count };
}

/** Subjects of two streams never overlap, so there is one at most. */
async function captureOf(
  session: Session,
  stream: string,
  consumer: string,
  signal: AbortSignal,
): Promise<StreamInfo | null> {
  const subject = `${prefix}.MAX_DELIVERIES.${stream}.${consumer}`;
  return (await streamsOf(session, subject, signal))[0] ?? null;
}

/** Whether a stream captures what this consumer terminates. */
export async function terminatedAreCaptured(
  session: Session,
  stream: string,
  consumer: string,
  signal: AbortSignal,
): Promise<boolean> {
  const subject = `${prefix}.MSG_TERMINATED.${stream}.${consumer}`;
  return (await streamsOf(session, subject, signal)).length > 0;
}

/** Every stream that captures some of them. */
export async function captures(session: Session, signal: AbortSignal): Promise<readonly StreamInfo[]> {
  const found = new Map<string, StreamInfo>();
  for (const subject of capturedSubjects)
    for (const info of await streamsOf(session, subject, signal)) found.set(info.config.name, info);
  return [...found.values()];
}

/** Of which consumers something was captured by this stream, and how much; our own are nobody's. Nothing where it is deleted. */
export async function capturedConsumers(
  session: Session,
  { config }: StreamInfo,
  signal: AbortSignal,
): Promise<readonly { readonly stream: string; readonly consumer: string; readonly count: number }[]> {
  const counts = new Map<string, { stream: string; consumer: string; count: number }>();
  for (const filter of capturedSubjects) {
    if (!(config.subjects ?? []).some((subject) => overlap(subject, filter))) continue;
    const info = await unlessDeleted(
      session.ask(
        `stream "${config.name}"`,
        ({ streams }) => streams.info(config.name, { subjects_filter: filter }),
        signal,
      ),
    );
    if (info === null) return [];
    for (const [subject, count] of Object.entries(info.state.subjects ?? {})) {
      const [stream, consumer, ...more] = subject
        .slice(prefix.length + 1)
        .split('.')
        .slice(1);
      if (stream === undefined || consumer === undefined || more.length > 0) continue;
      if (consumer.startsWith(ownPrefix)) continue;
      const known = counts.get(deadChannel(stream, consumer)) ?? { stream, consumer, count: 0 };
      counts.set(deadChannel(stream, consumer), { ...known, count: known.count + count });
    }
  }
  return [...counts.values()];
}

/** null for another kind of advisory, and for what is none: anyone may publish to that subject. */
export function readAdvisory({ seq, subject, data, time }: StoredMessage): Advisory | null {
  const [stream, consumer] = subject
    .slice(prefix.length + 1)
    .split('.')
    .slice(1);
  let content: unknown;
  try {
    content = JSON.parse(new TextDecoder().decode(data));
  } catch {
    return null;
  }
  if (typeof content !== 'object' || content === null) return null;
  const fields = new Map<string, unknown>(Object.entries(content));
  const kind = types[String(fields.get('type'))];
  const [messageSeq, deliveries, reason] = [
    fields.get('stream_seq'),
    fields.get('deliveries'),
    fields.get('reason'),
  ];
  if (kind === undefined || stream === undefined || consumer === undefined) return null;
  if (fields.get('stream') !== stream || fields.get('consumer') !== consumer) return null;
  if (typeof messageSeq !== 'number' || !Number.isSafeInteger(messageSeq) || messageSeq < 1) return null;
  return {
    seq,
    kind,
    stream,
    consumer,
    messageSeq,
    deliveries: typeof deliveries === 'number' ? deliveries : null,
    reason: typeof reason === 'string' && reason !== '' ? reason : null,
    at: time,
  };
}

/** The originals that the advisories are about. One that is gone has no value, and says so. */
export async function originalsOf(
  session: Session,
  channel: string,
  advisories: readonly Advisory[],
  signal: AbortSignal,
): Promise<readonly Message[]> {
  const [first] = advisories;
  if (first === undefined) return [];
  const seqs = advisories.map(({ messageSeq }) => messageSeq);
  const originals = await storedAtEach(session, first.stream, seqs, signal).catch((error: unknown) => {
    if (error instanceof NotFoundError) return seqs.map(() => null);
    throw error;
  });
  return advisories.map((advisory, at) => {
    const original = originals[at] ?? null;
    const offset = String(advisory.seq);
    const deadLetter = deadLetterOf(advisory, original !== null);
    const delivery = { count: advisory.deliveries, redelivered: null };
    if (original !== null) return toMessage(channel, original, { offset, deadLetter, delivery });
    const { messageSeq: seq, at: time } = advisory;
    const gone = toMessage(
      channel,
      { seq, time, subject: '', headers: null, data: new Uint8Array() },
      { offset, deadLetter, delivery },
    );
    return { ...gone, value: null, properties: {} };
  });
}

function deadLetterOf(advisory: Advisory, isThere: boolean): DeadLetter {
  const { kind, deliveries, reason, stream, messageSeq, consumer, at } = advisory;
  const said =
    kind === 'terminated'
      ? (reason ?? 'the consumer terminated it without a reason')
      : 'it was delivered as often as the consumer allows, and never acknowledged';
  return {
    reason: kind,
    class: null,
    message: isThere ? said : `${said}; the original is no longer in the stream`,
    attempts: deliveries,
    origin: { channel: stream, partition: null, offset: String(messageSeq) },
    consumer,
    at,
  };
}
