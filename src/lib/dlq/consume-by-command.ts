/** A command line of the user's as the consumer: it gets each message, and what it handled is settled. */
import type { Claim, Driver, PublishTraits } from '../drivers/driver.ts';
import type { Message } from '../message/message.ts';
import { recordLine } from '../message/record.ts';
import { take, type Rejection, type TakeOptions, type TakeResult } from '../operations/consume.ts';
import { messageEnvironment } from '../operations/message-environment.ts';
import { runCommand, type CommandEnd, type CommandRequest } from '../operations/run-command.ts';
import type { Backoff } from './backoff.ts';
import { Breaker, ofConsumers } from './breaker.ts';
import { Burial } from './burial.ts';
import { realClock } from './clock.ts';
import { Exec } from './exec.ts';

/** How the command is run, and what becomes of what it does not handle. */
export interface ConsumingCommand extends Omit<CommandRequest, 'input'> {
  /** What it gets on stdin: the value, or the whole record as a line of JSON. */
  readonly input: 'value' | 'record';
  readonly maxAttempts: number;
  readonly backoff: Backoff;
  /** The channel of what is given up; null: that ends the consuming. */
  readonly deadLetter: string | null;
  /** Of what kind the headers of the system are: they say why it is a dead letter. */
  readonly headerKind: PublishTraits['headers'];
  /** What is given up is refused for good, and the system makes a dead letter of it. */
  readonly rejects: boolean;
  /** Whether it goes on however many are given up one after the other. */
  readonly withoutBreaker: boolean;
  readonly onNote: (text: string) => void;
  /** Resolves when what the command wrote has left: only then is its message settled. */
  readonly flush: () => Promise<void>;
}

export interface CommandTally extends TakeResult {
  /** Messages that the command handled. */
  readonly succeeded: number;
  /** Attempts that were repeated. */
  readonly retried: number;
  /** Messages that were moved to the dead letters, or rejected. */
  readonly buried: number;
}

/**
 * Takes messages, one at a time, until the command succeeds on each or it is given up. Throws `FailedError`,
 * `PartialError` where the consuming ends before its time, `NotFoundError` where the dead letters have no channel:
 * nothing is taken then.
 */
export async function consumeByCommand(
  driver: Driver & { readonly claim: Claim },
  taking: Omit<TakeOptions, 'together' | 'deliver'>,
  consuming: ConsumingCommand,
  signal: AbortSignal,
): Promise<CommandTally> {
  const { deadLetter, headerKind, maxAttempts, backoff, onNote, flush } = consuming;
  const burial = deadLetter === null ? null : await Burial.open(driver, deadLetter, headerKind, signal);
  const exec = new Exec({
    run: (message, attempt) => runOn(message, attempt, taking.group, consuming),
    maxAttempts,
    backoff,
    burial,
    rejects: consuming.rejects,
    consumer: taking.group ?? 'mqctl consume --exec',
    breaker: consuming.withoutBreaker ? null : new Breaker(ofConsumers),
    clock: realClock,
    onNote,
  });
  const deliver = async (messages: readonly Message[]): Promise<Rejection | undefined> => {
    let rejection: Rejection | undefined;
    for (const message of messages) rejection = await exec.handle(message, signal);
    await flush();
    return rejection;
  };
  try {
    const result = await take(driver.claim, { ...taking, together: 1, deliver }, signal);
    return { ...result, ...exec.tally };
  } finally {
    await burial?.close();
  }
}

function runOn(
  message: Message,
  attempt: number,
  group: string | null,
  { command, input, environment, maxAttempts, timeoutMs, onOutput, onErrorOutput }: ConsumingCommand,
): Promise<CommandEnd> {
  return runCommand({
    command,
    input: input === 'record' ? Buffer.from(`${recordLine(message)}\n`) : (message.value ?? new Uint8Array()),
    environment: { ...environment, ...messageEnvironment(message, { attempt, maxAttempts, group }) },
    timeoutMs,
    onOutput,
    onErrorOutput,
  });
}
