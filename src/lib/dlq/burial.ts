/** What a consumer gives up becomes a dead letter that says why and whence, so that it can be redriven. */
import type { DeadLetters, Driver } from '../drivers/driver.ts';
import { FailedError } from '../errors.ts';
import type { Header, Message, OutgoingMessage, PropertyValue } from '../message/message.ts';
import { headerText } from '../message/text.ts';
import type { CommandEnd } from '../operations/run-command.ts';
import { endWords, lastWords } from './command-end.ts';
import { ownPrefix } from './failure-headers.ts';
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

/** The message as it goes to the dead letters: key, value, headers and properties stay, and its death is added in headers of ours. */
export function toDeadLetterMessage(
  message: Message,
  death: Death,
  deadLetters: DeadLetters | undefined,
): OutgoingMessage {
  const { end } = death;
  const native = new Set(deadLetters?.volatileHeaders);
  const properties: Record<string, PropertyValue> = { ...withoutWay(message, message, deadLetters) };
  const bound = boundProperties.map(([property, name]): readonly [string, string | null] => {
    const value = properties[property] ?? null;
    delete properties[property];
    return [name, value === null ? null : headerText(value)];
  });
  const said: readonly (readonly [name: string, value: string | null])[] = [
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
  ];
  const headers: Header[] = message.headers.filter(
    ({ name }) => !name.startsWith(ownPrefix) && !native.has(name),
  );
  for (const [name, value] of said)
    if (value !== null) headers.push({ name: `${ownPrefix}${name}`, value: Buffer.from(value, 'utf8') });
  if (end.errorTail.length > 0) headers.push({ name: `${ownPrefix}stderr`, value: end.errorTail });
  return { key: message.key, value: message.value, headers, properties, partition: null, timestamp: null };
}

/** The channel that takes what is given up. */
export class Burial {
  readonly #driver: Driver;
  readonly #channel: string;
  readonly #publishers: Publishers;

  private constructor(driver: Driver, channel: string) {
    this.#driver = driver;
    this.#channel = channel;
    // What was begun is brought to its end, whatever the user pressed: the time-out of the network bounds it.
    this.#publishers = new Publishers(driver, new AbortController().signal);
  }

  /** Throws `NotFoundError` where there is no such channel: nothing is taken then. */
  static async open(driver: Driver, channel: string, signal: AbortSignal): Promise<Burial> {
    await driver.describe(channel, signal);
    return new Burial(driver, channel);
  }

  /** Resolves when the broker has confirmed the dead letter. Throws `FailedError`: then the message must not be settled. */
  async bury(message: Message, death: Death): Promise<void> {
    const deadLetter = toDeadLetterMessage(message, death, this.#driver.deadLetters);
    const [outcome] = await this.#publishers.send(this.#channel, [deadLetter]);
    if (outcome?.status === 'accepted') return;
    const reason = outcome?.reason ?? 'no answer';
    throw new FailedError(
      outcome?.status === 'rejected'
        ? `"${this.#channel}" does not take the dead letter: ${reason}`
        : `whether "${this.#channel}" took the dead letter is not known: ${reason}`,
      { hint: 'the message was not settled, and comes again' },
    );
  }

  async close(): Promise<void> {
    await this.#publishers.close();
  }
}
