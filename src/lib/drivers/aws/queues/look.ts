/**
 * Looking: SQS has no other way to see a message than to receive it. What is looked at is hidden from its consumers until the
 * look ends, and counts as a delivery of it.
 */
import { FailedError, UsageError } from '../../../errors.ts';
import type { Message } from '../../../message/message.ts';
import type { Look, LookReport, LookRequest } from '../../driver.ts';
import { depthOf } from './channels.ts';
import { sourcesOf } from './dead-letter-sources.ts';
import { mostEntries } from '../batch-entries.ts';
import { isFifo } from './queue-name.ts';
import { Receiver } from './receiving.ts';
import type { Receipt } from './receiving.ts';
import { parseRedrivePolicy } from './redrive-policy.ts';
import type { Session } from './session.ts';
import { refusePositions } from './start-only.ts';

/** In flight at once: a FIFO queue takes 20,000, a standard one 120,000. */
const mostLooked = 20_000;
const concurrentReceives = 8;
/** A look that is killed keeps its messages hidden for so long; one that takes longer sees some of them again. */
const shortestVisibility = 10;
const longestVisibility = 900;
/** Reading, printing and paging are no slower than that. */
const messagesPerSecond = 200;

/**
 * A look receives messages, which hides them until it ends. Opening throws `NotFoundError`, `UsageError` without a limit of at
 * most `mostLooked`, for following, and for another place than the front.
 */
export function look(session: Session): Look {
  return {
    async appraise(channel, signal) {
      const attributes = await session.attributes(channel, signal);
      const sources = await sourcesOf(session, channel, signal).catch((error: unknown) => {
        signal.throwIfAborted();
        session.environment.log(String(error));
        return [];
      });
      const { waiting } = depthOf(attributes);
      return {
        cost: 'lease',
        waiting,
        consumers: null,
        deadLetterChannel: sources.length > 0,
        deliveryLimit: parseRedrivePolicy(attributes['RedrivePolicy'])?.maxReceiveCount ?? null,
        longestHoldMs: null,
      };
    },

    async open(request, signal) {
      refuseUnsupported(request);
      const limit = request.limit ?? 0;
      if (request.limit === null || limit > mostLooked)
        throw new UsageError(`a look at a queue needs a limit of at most ${String(mostLooked)}`, {
          hint: 'what is looked at is hidden until the look ends: use --limit, or take messages with --ack',
        });
      const { waiting } = depthOf(await session.attributes(request.channel, signal));
      const receiver = await Receiver.open(session, request.channel, signal);
      // Approximate: that there are none is believed only when none comes.
      const most = Math.min(limit, Math.max(waiting, 1));
      const looking = new QueueLook(receiver, request.channel, most, signal);
      return {
        batches: looking.batches(),
        expected: Math.min(limit, waiting),
        report: () => looking.report(),
      };
    },
  };
}

function refuseUnsupported({ follow, from, until, partitions }: LookRequest): void {
  if (follow)
    throw new UsageError('following a queue by looking would keep its messages from the consumers', {
      hint: 'take them: --ack',
    });
  refusePositions(from, until, partitions);
}

class QueueLook {
  readonly #receiver: Receiver;
  readonly #channel: string;
  readonly #most: number;
  readonly #visibility: number;
  readonly #signal: AbortSignal;
  /** The newest receipt of each message: it alone gives it back. */
  readonly #handles = new Map<string, string>();
  #looked = 0;
  #deliveryCount: number | null = null;
  #since: number | null = null;
  #hiddenMs: number | null = null;
  #left = false;
  readonly #finishing = new AbortController().signal;

  constructor(receiver: Receiver, channel: string, most: number, signal: AbortSignal) {
    this.#receiver = receiver;
    this.#channel = channel;
    this.#most = most;
    this.#visibility = Math.min(longestVisibility, shortestVisibility + Math.ceil(most / messagesPerSecond));
    this.#signal = signal;
  }

  report(): LookReport {
    return { looked: this.#looked, hiddenMs: this.#hiddenMs, deliveryCount: this.#deliveryCount };
  }

  async *batches(): AsyncGenerator<readonly Message[]> {
    try {
      while (this.#looked < this.#most && !this.#signal.aborted) {
        const batch = this.#fresh(await this.#receive());
        // Nothing is visible any more, or what was seen first is visible again.
        if (batch.length === 0) break;
        // The last ones are back in the queue before they are shown.
        if (this.#looked >= this.#most) await this.#giveBack();
        yield batch;
      }
    } finally {
      await this.#giveBack();
    }
  }

  /** Never cut off: an answer that nobody reads would hide its messages from everyone. */
  async #receive(): Promise<Receipt[]> {
    const left = this.#most - this.#looked;
    // The groups of a FIFO queue keep their order when one asks at a time.
    const requests = isFifo(this.#channel) ? 1 : Math.min(concurrentReceives, Math.ceil(left / mostEntries));
    const answers = await Promise.all(
      Array.from({ length: requests }, (_, index) =>
        this.#receiver.receive(
          {
            most: Math.min(mostEntries, left - index * mostEntries),
            visibility: this.#visibility,
            waitSeconds: 1,
          },
          this.#finishing,
        ),
      ),
    );
    return answers.flat();
  }

  #fresh(receipts: readonly Receipt[]): Message[] {
    const fresh: Message[] = [];
    for (const { handle, message } of receipts) {
      this.#since ??= performance.now();
      const { count } = message.delivery;
      if (count !== null) this.#deliveryCount = Math.max(this.#deliveryCount ?? 0, count);
      const name = message.id ?? handle;
      const known = this.#handles.has(name);
      this.#handles.set(name, handle);
      if (known) continue;
      this.#looked += 1;
      fresh.push(message);
    }
    return fresh;
  }

  async #giveBack(): Promise<void> {
    if (this.#left) return;
    this.#left = true;
    const handles = [...this.#handles.values()];
    const answers = await this.#receiver.changeVisibility(handles, 0, this.#finishing);
    if (this.#since !== null) this.#hiddenMs = performance.now() - this.#since;
    const silent = answers.filter((answer) => answer.kind === 'unanswered');
    if (silent.length === 0) return;
    throw new FailedError(
      `looked at ${String(this.#looked)} messages of "${this.#channel}", and ${String(silent.length)} of them could not be given back`,
      {
        hint: `they come back by themselves within ${String(this.#visibility)} s`,
        cause: silent[0]?.error,
      },
    );
  }
}
