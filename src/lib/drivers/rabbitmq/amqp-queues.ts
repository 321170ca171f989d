/**
 * Queues and exchanges over AMQP 0-9-1: asked, declared, deleted, purged. A refusal closes the channel that it came on,
 * so each piece of work has a channel of its own.
 */
import type { Channel } from 'amqplib';
import {
  DeniedError,
  FailedError,
  MqctlError,
  NotFoundError,
  UnreachableError,
  errorText,
} from '../../errors.ts';
import { exchangeChannel } from './channel-name.ts';

/** Reply codes of AMQP 0-9-1, 1.1 ("Constants"), as they close a channel or a connection. */
export const replyCode = {
  accessRefused: 403,
  notFound: 404,
  resourceLocked: 405,
  preconditionFailed: 406,
  notImplemented: 540,
} as const;

/** How channels are come by; the connection behind them is the driver's. A channel's `error` event is listened to there. */
export interface AmqpChannels {
  openChannel(signal: AbortSignal): Promise<Channel>;
  readonly timeoutMs: number;
}

export interface QueueState {
  /** null: an exclusive queue of another connection; it is there, and says no more. */
  readonly ready: number | null;
  readonly consumers: number | null;
}

export interface QueueDeclaration {
  readonly durable: boolean;
  readonly autoDelete: boolean;
  readonly arguments: Readonly<Record<string, string | number | boolean>>;
}

export class AmqpQueues {
  readonly #channels: AmqpChannels;

  constructor(channels: AmqpChannels) {
    this.#channels = channels;
  }

  /** null: no such queue. Right at once, unlike the management API's counts. */
  async check(queue: string, signal: AbortSignal): Promise<QueueState | null> {
    try {
      const answer = await this.#work(`queue "${queue}"`, signal, (channel) => channel.checkQueue(queue));
      return { ready: answer.messageCount, consumers: answer.consumerCount };
    } catch (error) {
      const code = refusalOf(error);
      if (code === replyCode.notFound) return null;
      if (code === replyCode.resourceLocked) return { ready: null, consumers: null };
      throw error;
    }
  }

  /** Of a queue that has to be there. Throws `NotFoundError`. */
  async checked(queue: string, target: string, signal: AbortSignal): Promise<QueueState> {
    const state = await this.check(queue, signal);
    if (state === null) throw await this.missing(queue, target, signal);
    return state;
  }

  async hasExchange(exchange: string, signal: AbortSignal): Promise<boolean> {
    try {
      await this.#work(`exchange "${exchange}"`, signal, (channel) => channel.checkExchange(exchange));
      return true;
    } catch (error) {
      if (refusalOf(error) === replyCode.notFound) return false;
      throw error;
    }
  }

  /** The error for a queue that is not there; it names the exchange of that name, which is easily meant instead. */
  async missing(queue: string, target: string, signal: AbortSignal): Promise<NotFoundError> {
    const exchange = await this.hasExchange(queue, signal);
    return new NotFoundError('queue', queue, target, {
      ...(exchange && { hint: `there is an exchange of that name: ${exchangeChannel(queue)}` }),
    });
  }

  /** Throws `FailedError` with code `EXISTS` where it is there with other settings. */
  async declareQueue(queue: string, declaration: QueueDeclaration, signal: AbortSignal): Promise<void> {
    const { durable, autoDelete } = declaration;
    await this.#work(`queue "${queue}"`, signal, (channel) =>
      channel.assertQueue(queue, { durable, autoDelete, arguments: declaration.arguments }),
    );
  }

  async declareExchange(
    exchange: string,
    type: string,
    declaration: QueueDeclaration,
    signal: AbortSignal,
  ): Promise<void> {
    const { durable, autoDelete } = declaration;
    await this.#work(`exchange "${exchange}"`, signal, (channel) =>
      channel.assertExchange(exchange, type, { durable, autoDelete, arguments: declaration.arguments }),
    );
  }

  /** RabbitMQ says nothing where there was none: ask first. */
  async deleteQueue(queue: string, signal: AbortSignal): Promise<void> {
    await this.#work(`queue "${queue}"`, signal, (channel) => channel.deleteQueue(queue));
  }

  async deleteExchange(exchange: string, signal: AbortSignal): Promise<void> {
    await this.#work(`exchange "${exchange}"`, signal, (channel) => channel.deleteExchange(exchange));
  }

  /** How many were ready and are gone. */
  async purge(queue: string, signal: AbortSignal): Promise<number> {
    const answer = await this.#work(`queue "${queue}"`, signal, (channel) => channel.purgeQueue(queue));
    return answer.messageCount;
  }

  /** Throws one of our errors, with the server's refusal as its cause, or the signal's reason. */
  async #work<T>(what: string, signal: AbortSignal, work: (channel: Channel) => Promise<T>): Promise<T> {
    signal.throwIfAborted();
    const channel = await this.#channels.openChannel(signal);
    const answer = work(channel);
    try {
      return await withinTime(answer, this.#channels.timeoutMs, signal);
    } catch (error) {
      throw signal.aborted ? error : friendly(error, what);
    } finally {
      // It is closed already after a refusal. Nobody waits for the answer: nothing depends on it.
      answer.then(() => channel.close()).catch(() => undefined);
    }
  }
}

function refusalOf(error: unknown): number | null {
  return error instanceof MqctlError ? codeOf(error.cause) : null;
}

/** The reply code that the server closed with; null for any other failure. */
export function codeOf(error: unknown): number | null {
  if (!(error instanceof Error) || !('code' in error)) return null;
  return typeof error.code === 'number' ? error.code : null;
}

/** The server's own words, from amqplib's sentence around them. */
function wordsOf(error: unknown): string {
  const text = errorText(error);
  return /with message "(.*)"/s.exec(text)?.[1] ?? text;
}

/** One of our errors for what the server refused. */
export function friendly(error: unknown, what: string): Error {
  if (error instanceof MqctlError) return error;
  const words = wordsOf(error)
    .replace(/\p{Cc}+/gu, ' ')
    .slice(0, 300);
  const message = `${what}: ${words}`;
  switch (codeOf(error)) {
    case replyCode.accessRefused:
      return new DeniedError(message, { cause: error });
    case replyCode.preconditionFailed:
      return new FailedError(message, {
        code: words.includes('inequivalent arg') ? 'EXISTS' : 'FAILED',
        cause: error,
      });
    case null:
      return new UnreachableError(message, { retriable: true, cause: error });
    default:
      return new FailedError(message, { cause: error });
  }
}

/** amqplib's own words for what is asked of a channel or a connection that is closing, or ends before the answer. */
function isEnded(error: unknown): error is Error {
  return (
    error instanceof Error &&
    (error.name === 'IllegalOperationError' || error.message.startsWith('Channel ended'))
  );
}

/** Rejects with the signal's reason, the server's refusal, or `UnreachableError` when the time or the connection is over. The work itself goes on unheard. */
export async function withinTime<T>(work: Promise<T>, timeoutMs: number, signal: AbortSignal): Promise<T> {
  work.catch(() => undefined);
  const over = AbortSignal.any([signal, AbortSignal.timeout(timeoutMs)]);
  const ended = Promise.withResolvers<never>();
  const end = () => {
    if (!signal.aborted)
      ended.reject(
        new UnreachableError(`no answer from RabbitMQ within ${String(timeoutMs)} ms`, { retriable: true }),
      );
    else ended.reject(signal.reason instanceof Error ? signal.reason : new Error('aborted'));
  };
  over.addEventListener('abort', end, { once: true });
  try {
    return await Promise.race([work, ended.promise]);
  } catch (error) {
    throw isEnded(error)
      ? new UnreachableError(`RabbitMQ did not answer: ${error.message}`, { retriable: true, cause: error })
      : error;
  } finally {
    over.removeEventListener('abort', end);
  }
}
