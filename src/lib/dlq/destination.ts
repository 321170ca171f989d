import type { Driver, PublishLimits } from '../drivers/driver.ts';
import { NotFoundError, UnsupportedError, UsageError } from '../errors.ts';
import type { OutgoingMessage } from '../message/message.ts';
import { shellLine } from '../shell-line.ts';
import type { Failure, Range } from './failure.ts';

/** Origins are read from headers, which anyone may write: more channels than that are no origins. */
const mostDestinations = 100;

export interface Destination {
  readonly channel: string;
  readonly limits: PublishLimits;
}

/** Decides where each message goes, and that it can: every destination is asked once. */
export class Destinations {
  readonly #driver: Driver;
  readonly #source: string;
  readonly #to: string | null;
  /** The channels whose dead letters come here, as the broker declares. */
  readonly #declared: readonly string[];
  readonly #known = new Map<string, Destination>();

  constructor(driver: Driver, source: string, to: string | null, declared: readonly string[]) {
    this.#driver = driver;
    this.#source = source;
    this.#to = to;
    this.#declared = declared;
  }

  /** Where this one goes: `to`, what was asked for all of them, else where it came from. Throws `UsageError`, `NotFoundError`. */
  async of(failure: Failure | null, to: string | null, signal: AbortSignal): Promise<Destination> {
    return this.at(to ?? this.#nameOf(failure), signal);
  }

  /** Throws `UsageError`, `NotFoundError`. */
  async at(channel: string, signal: AbortSignal): Promise<Destination> {
    const known = this.#known.get(channel);
    if (known !== undefined) return known;
    if (channel === this.#source)
      throw new UsageError(`"${channel}" cannot be redriven into itself`, { hint: 'say where to with --to' });
    if (this.#known.size >= mostDestinations)
      throw new UsageError(`the selected messages name more than ${mostDestinations.toString()} origins`, {
        hint: 'say where to with --to, or select fewer with --filter',
      });
    const asked = await this.#ask(channel, signal);
    this.#known.set(channel, asked);
    return asked;
  }

  #nameOf(failure: Failure | null): string {
    if (this.#to === null && failure?.standsFor !== undefined)
      throw holdsNothing(this.#source, failure.standsFor);
    const origin = this.#to ?? failure?.origin.channel;
    if (origin !== null && origin !== undefined) return origin;
    const [declared, ...others] = this.#declared;
    if (declared !== undefined && others.length === 0) return declared;
    throw new UsageError(
      others.length === 0
        ? `a selected message of "${this.#source}" does not say where it came from`
        : `a selected message of "${this.#source}" does not say where it came from, and ${this.#declared.join(', ')} all send their dead letters there`,
      { hint: 'say where to with --to' },
    );
  }

  async #ask(channel: string, signal: AbortSignal): Promise<Destination> {
    if (this.#driver.publish === undefined)
      throw new UnsupportedError(`${this.#driver.target} cannot be published to`);
    try {
      await this.#driver.describe(channel, signal);
    } catch (error) {
      if (!(error instanceof NotFoundError)) throw error;
      throw new NotFoundError('channel', channel, this.#driver.target, {
        hint: `it is where selected messages of "${this.#source}" would go: create it, or say where to with --to`,
        cause: error,
      });
    }
    const limits = await this.#driver.publish.limits(channel, signal);
    return { channel, limits };
  }
}

/** The record of a failure, put where the messages were, would be taken for one of them. */
function holdsNothing(source: string, { channel, partition, first, last }: Range): UsageError {
  const [from, until] = [`${partition}:${first}`, `${partition}:after:${last}`];
  const range = shellLine`${channel} --from ${from} --until ${until}`;
  return new UsageError(
    `a selected message of "${source}" is a record of what failed and holds no payload: it stands for "${channel}", partition ${partition}, ${first} to ${last}`,
    {
      hint: `with the context of that stream: mqctl consume ${range} shows them, and mqctl replay ${range} --to CHANNEL sends them again; --to here sends the record itself`,
    },
  );
}

/** Why the destination would not take this message; null where nothing speaks against it. */
export function misfit(message: OutgoingMessage, limits: PublishLimits): string | null {
  const bytes = messageBytes(message);
  if (limits.messageBytes !== null && bytes > limits.messageBytes)
    return `it has ${bytes.toString()} bytes, and the destination takes ${limits.messageBytes.toString()}`;
  if (limits.headers !== null && message.headers.length > limits.headers)
    return `it has ${message.headers.length.toString()} headers, and the destination takes ${limits.headers.toString()}`;
  return null;
}

/** Of key, value and plain headers; what a system adds is not counted. */
export function messageBytes(message: OutgoingMessage): number {
  let bytes = (message.key?.length ?? 0) + (message.value?.length ?? 0);
  for (const { name, value } of message.headers)
    bytes += name.length + (value instanceof Uint8Array ? value.length : 8);
  return bytes;
}
