import { setImmediate as nextTurn } from 'node:timers/promises';

import { errorText } from '../../errors.ts';
import type { OutgoingMessage } from '../../message/message.ts';
import type { Outcome, Publish, Publisher, PublishLimits, PublishRequest } from '../driver.ts';
import { appendBatch } from './append-batch.ts';
import { channelNamed } from './channels.ts';
import { chunksOf } from './chunks.ts';
import { CommitInDoubt, type LocalFile } from './database.ts';
import { StagingPublisher } from './staging.ts';

export class LocalPublish implements Publish {
  readonly #file: LocalFile;

  constructor(file: LocalFile) {
    this.#file = file;
  }

  async open(request: PublishRequest, signal: AbortSignal): Promise<Publisher> {
    this.#file.requireFor('channel', request.channel);
    const channel = await this.#file.read(signal, (sql) =>
      channelNamed(sql, request.channel, this.#file.path),
    );
    return request.delivery === 'transactional'
      ? StagingPublisher.open(this.#file, channel, signal)
      : new DirectPublisher(this.#file, request.channel, signal);
  }

  async limits(name: string, signal: AbortSignal): Promise<PublishLimits> {
    this.#file.requireFor('channel', name);
    const { settings } = await this.#file.read(signal, (sql) => channelNamed(sql, name, this.#file.path));
    return { messageBytes: settings.maxMessageBytes, headers: null, retentionMs: settings.retentionMs };
  }
}

/** Each batch is on disk when its outcomes are given. */
class DirectPublisher implements Publisher {
  readonly blocked = null;
  readonly #file: LocalFile;
  readonly #channel: string;
  readonly #signal: AbortSignal;
  #last: Promise<unknown> = Promise.resolve();

  constructor(file: LocalFile, channel: string, signal: AbortSignal) {
    this.#file = file;
    this.#channel = channel;
    this.#signal = signal;
  }

  send(messages: readonly OutgoingMessage[]): Promise<readonly Outcome[]> {
    const sent = this.#last.then(() => this.#sendInTurn(messages));
    this.#last = sent.catch(() => undefined);
    return sent;
  }

  async commit(): Promise<void> {
    await this.#last;
  }

  async abort(): Promise<void> {
    await this.#last;
  }

  async close(): Promise<void> {
    await this.#last;
  }

  async #sendInTurn(messages: readonly OutgoingMessage[]): Promise<readonly Outcome[]> {
    // What has begun is finished: a batch is a matter of milliseconds.
    this.#signal.throwIfAborted();
    const outcomes: Outcome[] = [];
    for (const chunk of chunksOf(messages)) {
      try {
        outcomes.push(
          ...(await this.#file.write(null, (sql) =>
            appendBatch(sql, channelNamed(sql, this.#channel, this.#file.path), chunk),
          )),
        );
      } catch (thrown) {
        const status = thrown instanceof CommitInDoubt ? 'unknown' : 'rejected';
        if (outcomes.length === 0 && status === 'rejected') throw thrown;
        const rest = messages.length - outcomes.length;
        const failed = outcomeOfError(thrown, status);
        const notTried: Outcome = {
          status: 'rejected',
          reason: 'not sent: the one before it failed',
          retriable: true,
        };
        for (let index = 0; index < rest; index += 1) outcomes.push(index < chunk.length ? failed : notTried);
        break;
      }
      // SQLite works with the event loop stopped: signals and timers get their turn here.
      await nextTurn();
    }
    return outcomes;
  }
}

function outcomeOfError(thrown: unknown, status: 'unknown' | 'rejected'): Outcome {
  const reason = errorText(thrown);
  return status === 'unknown' ? { status, reason } : { status, reason, retriable: true };
}
