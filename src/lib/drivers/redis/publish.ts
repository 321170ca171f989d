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
import type { Link } from './link.ts';
import { exhaustedOf } from './place.ts';
import { textOf } from './reply.ts';
import { requireStream } from './streams.ts';

/** The server takes no longer word than this, unless `proto-max-bulk-len` says otherwise. */
const longestWord = 512 * 1024 * 1024;

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

  constructor(link: Link, stream: string) {
    this.#link = link;
    this.#stream = stream;
  }

  async send(messages: readonly OutgoingMessage[]): Promise<readonly Outcome[]> {
    // All are written before the first is answered: the order of calls is the order of entries.
    return Promise.all(messages.map((message) => this.#add(message)));
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

  async #add(message: OutgoingMessage): Promise<Outcome> {
    const stream = this.#stream;
    const fields = fieldsOf(message, this.#link.address.names);
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
