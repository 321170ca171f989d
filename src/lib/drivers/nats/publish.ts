/**
 * Publishing: with an answer from the stream (at least once), or as core NATS does it, to whoever listens just now (at most
 * once).
 */
import { errors } from '@nats-io/transport-node';
import type { NatsConnection } from '@nats-io/transport-node';
import { NotFoundError, UsageError } from '../../errors.ts';
import type { OutgoingMessage } from '../../message/message.ts';
import type { Outcome, Publish, Publisher, PublishRequest } from '../driver.ts';
import { isLiteral, parseChannelName } from './channel-name.ts';
import { isConnectionLoss, lostConnection, plain } from './failures.ts';
import { coreSubject } from './core-subject.ts';
import { encode } from './message-codec.ts';
import { Refusals } from './refusals.ts';
import { readAcknowledgement } from './publish-answer.ts';
import type { Session } from './session.ts';
import { millisecondsOf } from './nanoseconds.ts';
import { onlyLiteral, subjectIn } from './subject-in-stream.ts';
import { streamPlace } from './streams.ts';

/** Answers that may be waited for at once. */
const inFlightAtMost = 512;

/** Opening throws `NotFoundError`, `UsageError` for compression and, at most once, for a channel that is no single subject. */
export function publish(session: Session): Publish {
  return {
    async open(request, signal) {
      if (request.compression !== null)
        throw new UsageError('NATS compresses no messages itself', { hint: 'leave --compression out' });
      const connection = await session.connection(signal);
      if (request.delivery === 'at-most-once') return coreNats(session, connection, request, signal);
      const place = await streamPlace(session, named(request.channel, session.target), signal);
      const { name, subjects = [] } = place.info.config;
      const answered = new StreamPublisher(session, connection, {
        stream: name,
        subjects,
        literal: place.filter ?? onlyLiteral(subjects),
        signal,
      });
      return answered;
    },
    async limits(channel, signal) {
      const { info } = await streamPlace(session, named(channel, session.target), signal);
      const connection = await session.connection(signal);
      const most = connection.info?.max_payload ?? null;
      const own = info.config.max_msg_size;
      return {
        messageBytes: own > 0 ? Math.min(own, most ?? own) : most,
        headers: null,
        retentionMs: info.config.max_age > 0 ? millisecondsOf(info.config.max_age) : null,
      };
    },
  };
}

/** What a consumer gave up is not published to. */
function named(channel: string, target: string): string {
  if (parseChannelName(channel).kind === 'dead')
    throw new NotFoundError('stream', channel, target, {
      hint: 'only the server adds to what a consumer gave up',
    });
  return channel;
}

interface Target {
  readonly stream: string;
  readonly subjects: readonly string[];
  /** Where a message goes that names no subject of the stream; null: it has to. */
  readonly literal: string | null;
  readonly signal: AbortSignal;
}

class StreamPublisher implements Publisher {
  readonly #session: Session;
  readonly #connection: NatsConnection;
  readonly #target: Target;
  /** Sent and not answered. */
  readonly #waiting = new Set<Promise<Outcome>>();

  constructor(session: Session, connection: NatsConnection, target: Target) {
    this.#session = session;
    this.#connection = connection;
    this.#target = target;
  }

  get blocked(): null {
    return null;
  }

  async send(messages: readonly OutgoingMessage[]): Promise<readonly Outcome[]> {
    this.#target.signal.throwIfAborted();
    if (this.#connection.isClosed()) throw lostConnection(this.#session.target, undefined);
    const outcomes: Promise<Outcome>[] = [];
    for (const message of messages) {
      while (this.#waiting.size >= inFlightAtMost) await Promise.race(this.#waiting);
      const outcome = this.#sendOne(message);
      this.#waiting.add(outcome);
      void outcome.finally(() => this.#waiting.delete(outcome));
      outcomes.push(outcome);
    }
    return Promise.all(outcomes);
  }

  commit(): Promise<void> {
    return Promise.reject(new UsageError('NATS publishes without transactions here'));
  }

  abort(): Promise<void> {
    return this.commit();
  }

  async close(): Promise<void> {
    await Promise.allSettled(this.#waiting);
  }

  async #sendOne(message: OutgoingMessage): Promise<Outcome> {
    const { stream } = this.#target;
    const rejected = (reason: string): Outcome => ({ status: 'rejected', reason, retriable: false });
    if (this.#connection.isClosed() || this.#target.signal.aborted)
      return { status: 'rejected', reason: 'it was not sent: the connection was lost', retriable: true };
    const subject = this.#subjectOf(message);
    if (subject === null) return rejected(this.#noSubject(message));
    const encoded = encode(message);
    if ('refused' in encoded) return rejected(encoded.refused);
    const most = this.#connection.info?.max_payload ?? Infinity;
    if (encoded.bytes > most)
      return rejected(
        `it is too large: ${String(encoded.bytes)} bytes, and the server takes ${String(most)}`,
      );
    try {
      const { headers } = encoded;
      const answer = await this.#connection.request(subject, encoded.data, {
        timeout: this.#session.timeoutMs,
        headers,
      });
      return readAcknowledgement(answer, stream);
    } catch (error) {
      return failed(error, subject);
    }
  }

  #subjectOf({ properties: { subject } }: OutgoingMessage): string | null {
    return subjectIn(this.#target, typeof subject === 'string' ? subject : null);
  }

  #noSubject({ properties: { subject } }: OutgoingMessage): string {
    const { stream, subjects } = this.#target;
    const captures = `stream "${stream}" captures ${subjects.map((one) => `"${one}"`).join(', ') || 'no subject'}`;
    return typeof subject === 'string'
      ? `${captures}, not "${plain(subject)}"`
      : `${captures}: say which subject (produce ${subjects[0]?.replace(/[*>]/g, 'NAME') ?? 'SUBJECT'}, or --property subject=…)`;
  }
}

function failed(error: unknown, subject: string): Outcome {
  if (error instanceof errors.RequestError && error.isNoResponders())
    return {
      status: 'rejected',
      reason: `no stream captures the subject "${subject}" now`,
      retriable: false,
    };
  if (error instanceof errors.PermissionViolationError)
    return {
      status: 'rejected',
      reason: `this login may not publish to "${plain(error.subject)}"`,
      retriable: false,
    };
  if (error instanceof errors.TimeoutError)
    return { status: 'unknown', reason: 'no answer came from the stream' };
  if (isConnectionLoss(error) || error instanceof errors.RequestError)
    return { status: 'unknown', reason: 'the connection was lost before the answer came' };
  return { status: 'unknown', reason: plain(error instanceof Error ? error.message : String(error)) };
}

/** Whoever listens gets it; the server does not say whether anybody did. */
async function coreNats(
  session: Session,
  connection: NatsConnection,
  request: PublishRequest,
  signal: AbortSignal,
): Promise<Publisher> {
  const { subject: fallback } = await coreSubject(session, named(request.channel, session.target), signal);
  const refusals = new Refusals(connection);
  return {
    blocked: null,
    async send(messages) {
      signal.throwIfAborted();
      if (connection.isClosed()) throw lostConnection(session.target, undefined);
      const subjects: string[] = [];
      const outcomes = messages.map((message): Outcome => {
        const { subject: own } = message.properties;
        const subject = typeof own === 'string' && isLiteral(own) ? own : fallback;
        subjects.push(subject);
        const encoded = encode(message);
        if ('refused' in encoded) return { status: 'rejected', reason: encoded.refused, retriable: false };
        const most = connection.info?.max_payload ?? Infinity;
        if (encoded.bytes > most)
          return {
            status: 'rejected',
            reason: `it is too large: ${String(encoded.bytes)} bytes, and the server takes ${String(most)}`,
            retriable: false,
          };
        const { replyTo } = message.properties;
        connection.publish(subject, encoded.data, {
          headers: encoded.headers,
          ...(typeof replyTo === 'string' && { reply: replyTo }),
        });
        return { status: 'accepted', partition: null, offset: null, id: null };
      });
      await connection.flush();
      return refusals.applied(outcomes, subjects);
    },
    commit: () => Promise.reject(new UsageError('NATS publishes without transactions here')),
    abort: () => Promise.reject(new UsageError('NATS publishes without transactions here')),
    close: async () => refusals.stop(),
  };
}
