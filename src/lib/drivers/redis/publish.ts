import {
  FailedError,
  MqctlError,
  NotFoundError,
  UnreachableError,
  UsageError,
  errorText,
} from '../../errors.ts';
import type { OutgoingMessage } from '../../message/message.ts';
import type { Outcome, Publish, PublishLimits, PublishRequest, Publisher } from '../driver.ts';
import { fieldsOf } from './entry-codec.ts';
import type { FieldNames } from './entry-codec.ts';
import type { Link } from './link.ts';
import { exhaustedOf } from './place.ts';
import { textOf } from './reply.ts';
import { requireStream } from './streams.ts';

/** The server takes no longer word than this, unless `proto-max-bulk-len` says otherwise. */
const longestWord = 512 * 1024 * 1024;
const mostUnanswered = 500;
const mostUnansweredBytes = 4 * 1024 * 1024;

export class RedisPublish implements Publish {
  readonly #link: Link;

  constructor(link: Link) {
    this.#link = link;
  }

  async open({ channel }: PublishRequest, signal: AbortSignal): Promise<Publisher> {
    if ((await exhaustedOf(this.#link, channel, signal)) !== null)
      throw new UsageError(`nothing can be sent to "${channel}": it is what a group has not acknowledged`, {
        hint: 'name a stream',
      });
    await requireStream(this.#link, channel, signal);
    return new RedisPublisher(this.#link, channel);
  }

  async limits(channel: string, signal: AbortSignal): Promise<PublishLimits> {
    await requireStream(this.#link, channel, signal);
    return { messageBytes: longestWord, headers: null, retentionMs: null };
  }
}

class RedisPublisher implements Publisher {
  readonly blocked = null;
  readonly #link: Link;
  readonly #stream: string;
  #last: Promise<unknown> = Promise.resolve();

  constructor(link: Link, stream: string) {
    this.#link = link;
    this.#stream = stream;
  }

  async send(messages: readonly OutgoingMessage[]): Promise<readonly Outcome[]> {
    const turn = this.#last.then(() => this.#sendAll(messages));
    this.#last = turn.catch(() => undefined); // who called hears of it
    return turn;
  }

  /** A chunk is written before the first of it is answered, the next one after: so none waits long for its turn. */
  async #sendAll(messages: readonly OutgoingMessage[]): Promise<readonly Outcome[]> {
    const outcomes: Outcome[] = [];
    for (const chunk of chunksOf(messages, this.#link.address.names)) {
      if (outcomes.some(({ status }) => status === 'unknown'))
        outcomes.push(...chunk.map((): Outcome => notSent));
      else outcomes.push(...(await Promise.all(chunk.map((fields) => this.#add(fields)))));
    }
    return outcomes;
  }

  async commit(): Promise<void> {
    throw new UsageError('Redis Streams have no transactions over several sends');
  }

  async abort(): Promise<void> {
    throw new UsageError('Redis Streams have no transactions over several sends');
  }

  async close(): Promise<void> {
    // Every answer was waited for.
  }

  async #add(fields: readonly Buffer[]): Promise<Outcome> {
    const stream = this.#stream;
    try {
      const reply = await this.#link.ask(stream, ['XADD', stream, 'NOMKSTREAM', '*', ...fields], null);
      if (reply === null)
        return { status: 'rejected', reason: missing(this.#link, stream).message, retriable: false };
      const id = textOf(reply);
      return { status: 'accepted', partition: null, offset: id, id };
    } catch (error) {
      return outcomeOf(error);
    }
  }
}

const notSent: Outcome = {
  status: 'rejected',
  reason: 'it was not sent, since what was sent before it had no answer',
  retriable: true,
};

function* chunksOf(messages: readonly OutgoingMessage[], names: FieldNames): Generator<readonly Buffer[][]> {
  let chunk: Buffer[][] = [];
  let bytes = 0;
  for (const message of messages) {
    const fields = fieldsOf(message, names);
    chunk.push(fields);
    bytes += fields.reduce((sum, { length }) => sum + length, 0);
    if (chunk.length < mostUnanswered && bytes < mostUnansweredBytes) continue;
    yield chunk;
    chunk = [];
    bytes = 0;
  }
  if (chunk.length > 0) yield chunk;
}

function missing(link: Link, stream: string): NotFoundError {
  return new NotFoundError('stream', stream, link.target);
}

/** What the server refused is not there; where no answer came, it may be. */
export function outcomeOf(error: unknown): Outcome {
  if (error instanceof UnreachableError) return { status: 'unknown', reason: errorText(error) };
  if (error instanceof MqctlError)
    return {
      status: 'rejected',
      reason: errorText(error),
      retriable: error instanceof FailedError && error.retriable,
    };
  return { status: 'unknown', reason: errorText(error) };
}
