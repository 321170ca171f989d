/** A command as a consumer: each message until it succeeds, is given up to the dead letters, or ends the consuming. */
import { FailedError, PartialError } from '../errors.ts';
import type { Message } from '../message/message.ts';
import type { Rejection } from '../operations/consume.ts';
import type { CommandEnd } from '../operations/run-command.ts';
import { backoffMs, type Backoff } from './backoff.ts';
import type { Breaker } from './breaker.ts';
import type { Burial } from './burial.ts';
import type { Clock } from './clock.ts';
import { endWords, lastWords, succeeded, whyNotRun } from './command-end.ts';

export interface ExecOptions {
  /** Runs the command on this message; attempts count from 1. */
  readonly run: (message: Message, attempt: number) => Promise<CommandEnd>;
  readonly maxAttempts: number;
  readonly backoff: Backoff;
  /** null: what fails for good ends the consuming. */
  readonly burial: Pick<Burial, 'bury'> | null;
  /** What is given up is refused for good, and the system makes a dead letter of it. */
  readonly rejects: boolean;
  /** Who gives up, for the dead letter. */
  readonly consumer: string;
  /** Pauses, and at last ends the consuming, where one message after the other is given up; null: however many. */
  readonly breaker: Breaker | null;
  readonly clock: Clock;
  readonly onNote: (text: string) => void;
}

export class Exec {
  readonly #options: ExecOptions;
  #succeeded = 0;
  #retried = 0;
  #buried = 0;

  constructor(options: ExecOptions) {
    this.#options = options;
  }

  get tally(): { readonly succeeded: number; readonly retried: number; readonly buried: number } {
    return { succeeded: this.#succeeded, retried: this.#retried, buried: this.#buried };
  }

  /**
   * Resolves when the message may be settled: the command succeeded, or the dead letter is confirmed; or with why it is to be
   * rejected. Throws `FailedError`
   * or, after others were handled, `PartialError` where it may not be. An abort lets the running attempt finish, and throws
   * its reason where that failed.
   */
  async handle(message: Message, signal: AbortSignal): Promise<Rejection | undefined> {
    const { run, maxAttempts, backoff, breaker, clock, onNote } = this.#options;
    await this.#rest(signal);
    for (let attempt = 1; ; attempt += 1) {
      const end = await run(message, attempt);
      if (succeeded(end)) {
        this.#succeeded += 1;
        breaker?.record(false, clock.now());
        return undefined;
      }
      const notRun = whyNotRun(end);
      if (notRun !== null)
        throw this.#stopped(`the command could not be run: ${notRun}`, 'no message was given up for that');
      const failed = `${placeText(message)}: ${failureText(end)}, attempt ${attempt.toString()} of ${maxAttempts.toString()}`;
      signal.throwIfAborted();
      if (attempt >= maxAttempts) return this.#giveUp(message, end, failed);
      this.#retried += 1;
      const waitMs = backoffMs(backoff, attempt, clock.random());
      onNote(`${failed}; again in ${Math.round(waitMs).toString()} ms`);
      await clock.sleep(waitMs, signal);
      signal.throwIfAborted();
    }
  }

  /** Before a message is tried: what is given up was settled by then. */
  async #rest(signal: AbortSignal): Promise<void> {
    const { breaker, clock, onNote } = this.#options;
    if (breaker === null) return;
    if (breaker.state(clock.now()) === 'ended')
      throw this.#stopped(
        'the command fails on one message after the other',
        'mend it, then start again: what waits was left where it is; --no-breaker goes on however many are given up',
      );
    const waitMs = breaker.waitMs(clock.now());
    if (waitMs === 0) return;
    onNote(
      `one after the other was given up: waiting ${Math.ceil(waitMs / 1_000).toString()} s, then one is tried`,
    );
    await clock.sleep(waitMs, signal);
    signal.throwIfAborted();
  }

  async #giveUp(message: Message, end: CommandEnd, failed: string): Promise<Rejection | undefined> {
    const { burial, rejects, maxAttempts, consumer, breaker, clock, onNote } = this.#options;
    if (rejects) {
      this.#buried += 1;
      breaker?.record(true, clock.now());
      onNote(`${failed}; rejected`);
      return { reason: failureText(end) };
    }
    if (burial === null)
      throw this.#stopped(
        failed,
        'it was not settled and comes again; --dead-letter CHANNEL moves such messages out of the way',
      );
    const leftOut = await burial.bury(message, { end, attempts: maxAttempts, consumer, at: Date.now() });
    this.#buried += 1;
    breaker?.record(true, clock.now());
    onNote(
      `${failed}; moved to the dead letters${leftOut === null ? '' : `, which had no room for ${leftOut}`}`,
    );
    return undefined;
  }

  #stopped(text: string, hint: string): FailedError | PartialError {
    const handled = this.#succeeded + this.#buried;
    return handled === 0
      ? new FailedError(text, { hint })
      : new PartialError(`${text}; ${handled.toString()} ${handled === 1 ? 'was' : 'were'} handled before`, {
          hint,
        });
  }
}

function placeText({ channel, partition, offset, id }: Message): string {
  const place = [partition, offset ?? id].filter((part) => part !== null).join(':');
  return place === '' ? channel : `${channel} ${place}`;
}

function failureText(end: CommandEnd): string {
  const words = lastWords(end);
  return words === null ? endWords(end) : `${endWords(end)} (${words})`;
}
