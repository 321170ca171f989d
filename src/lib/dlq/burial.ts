/** What a consumer gives up becomes a dead letter that says why and whence, so that it can be redriven. */
import type { DeadLetters, Driver, PublishTraits } from '../drivers/driver.ts';
import { FailedError } from '../errors.ts';
import type { Message, OutgoingMessage, PropertyValue } from '../message/message.ts';
import { headerText } from '../message/text.ts';
import type { CommandEnd } from '../operations/run-command.ts';
import { endWords, lastWords } from './command-end.ts';
import { deathNotes, type DeathFact, type DeathNote } from './death-note.ts';
import { ownPrefix, packedHeader } from './failure-headers.ts';
import { withoutWay } from './outgoing.ts';
import { Publishers } from './publishers.ts';

export interface Death {
  /** How the last attempt ended. */
  readonly end: CommandEnd;
  readonly attempts: number;
  /** Who gave it up. */
  readonly consumer: string;
  /** Milliseconds since 1970. */
  readonly at: number;
}

/** Properties that bind a message to its first way: it would expire among the dead letters, or be refused there. */
const boundProperties = [
  ['expiration', 'expiration'],
  ['userId', 'user-id'],
] as const;

export interface DeadLetterMessage {
  readonly message: OutgoingMessage;
  /** What is not said in it, in words; null: nothing. */
  readonly leftOut: string | null;
}

/**
 * The message as it goes to the dead letters: key, value, headers and properties stay, and its death is added in headers
 * of ours, of the kind that the system takes. The form that says most comes first, then those that need less room.
 */
export function toDeadLetterMessages(
  message: Message,
  death: Death,
  deadLetters: DeadLetters | undefined,
  headerKind: PublishTraits['headers'],
): readonly [DeadLetterMessage, ...DeadLetterMessage[]] {
  const { key, value } = message;
  const { end } = death;
  const native = new Set(deadLetters?.volatileHeaders);
  const properties: Record<string, PropertyValue> = { ...withoutWay(message, message, deadLetters) };
  const bound = boundProperties.map(([property, name]): readonly [string, string | null] => {
    const value = properties[property] ?? null;
    delete properties[property];
    return [name, value === null ? null : headerText(value)];
  });
  const said: readonly (readonly [name: string, value: string | Uint8Array | null])[] = [
    ['reason', `the command failed ${death.attempts.toString()} times`],
    ['class', endWords(end)],
    ['message', lastWords(end) ?? endWords(end)],
    ['attempts', death.attempts.toString()],
    ['channel', message.channel],
    ['partition', message.partition],
    ['offset', message.offset],
    ['id', message.id],
    ['sent', message.timestamp?.toString() ?? null],
    ['consumer', death.consumer],
    ['at', new Date(death.at).toISOString()],
    ['exit-status', end.kind === 'exited' ? end.status.toString() : null],
    ['signal', end.kind === 'killed' ? end.signal : null],
    ...bound,
    ['stderr', end.errorTail.length > 0 ? end.errorTail : null],
  ];
  const facts = said.flatMap(([name, value]): readonly DeathFact[] =>
    value === null ? [] : [[name, value]],
  );
  const kept = message.headers.filter(
    ({ name }) => !name.startsWith(ownPrefix) && name !== packedHeader && !native.has(name),
  );
  const noted = ({ headers, leftOut }: DeathNote): DeadLetterMessage => ({
    message: { key, value, headers: [...kept, ...headers], properties, partition: null, timestamp: null },
    leftOut,
  });
  const [first, ...shorter] = deathNotes(facts, headerKind);
  return [noted(first), ...shorter.map(noted)];
}

/** The channel that takes what is given up. */
export class Burial {
  readonly #driver: Driver;
  readonly #channel: string;
  readonly #headerKind: PublishTraits['headers'];
  readonly #publishers: Publishers;

  private constructor(driver: Driver, channel: string, headerKind: PublishTraits['headers']) {
    this.#driver = driver;
    this.#channel = channel;
    this.#headerKind = headerKind;
    // What was begun is brought to its end, whatever the user pressed: the time-out of the network bounds it.
    this.#publishers = new Publishers(driver, new AbortController().signal);
  }

  /** Throws `NotFoundError` where there is no such channel: nothing is taken then. */
  static async open(
    driver: Driver,
    channel: string,
    headerKind: PublishTraits['headers'],
    signal: AbortSignal,
  ): Promise<Burial> {
    await driver.describe(channel, signal);
    return new Burial(driver, channel, headerKind);
  }

  /**
   * Resolves when the broker has confirmed the dead letter, with what it does not say for want of room; null: nothing. A
   * message that fills its channel's limits would otherwise stop the consumer for good. Throws `FailedError`: then the
   * message must not be settled.
   */
  async bury(message: Message, death: Death): Promise<string | null> {
    const forms = toDeadLetterMessages(message, death, this.#driver.deadLetters, this.#headerKind);
    let refusal: string | null = null;
    for (const { message: deadLetter, leftOut } of forms) {
      const [outcome] = await this.#publishers.send(this.#channel, [deadLetter]);
      if (outcome?.status === 'accepted') return leftOut;
      const reason = outcome?.reason ?? 'no answer';
      if (outcome?.status !== 'rejected')
        throw notBuried(`whether "${this.#channel}" took the dead letter is not known: ${reason}`);
      refusal ??= reason;
      if (outcome.retriable) break;
    }
    throw notBuried(`"${this.#channel}" does not take the dead letter: ${refusal ?? 'no answer'}`);
  }

  async close(): Promise<void> {
    await this.#publishers.close();
  }
}

function notBuried(text: string): FailedError {
  return new FailedError(text, { hint: 'the message was not settled, and comes again' });
}
