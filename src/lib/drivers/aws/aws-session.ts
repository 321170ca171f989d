/** The clients of one of AWS's services, at one place, and the two ways to call it. */
import { DeniedError, UsageError } from '../../errors.ts';
import type { Connection, Environment } from '../driver.ts';
import { parseAwsAddress, shownEndpoint } from './address.ts';
import type { AwsAddress } from './address.ts';
import { AwsCaller } from './caller.ts';
import type { CallOptions } from './caller.ts';
import { clientSettings } from './client-settings.ts';
import type { ClientSettings } from './client-settings.ts';
import { awsFailure } from './failures.ts';

/** What all of the SDK's clients have. */
export interface AwsClient {
  readonly config: { readonly region: () => Promise<string> };
  destroy(): void;
}

export interface ServiceKind {
  /** `Amazon SQS`. */
  readonly name: string;
  /** `sqs`. */
  readonly scheme: string;
  /** What its channels are called: `queue`. */
  readonly thing: string;
}

export interface Opened<Client extends AwsClient> {
  readonly kind: ServiceKind;
  readonly environment: Environment;
  /** Asks again by itself when it is throttled. */
  readonly reader: Client;
  /** Never does: what it sends twice would be there twice. */
  readonly once: Client;
  readonly region: string;
  readonly endpoint: string | null;
}

export class AwsSession<Client extends AwsClient> {
  /** For people: `sqs://eu-west-1`. */
  readonly target: string;
  readonly region: string;
  readonly endpoint: string | null;
  readonly environment: Environment;
  readonly #opened: Opened<Client>;
  readonly #caller: AwsCaller;

  constructor(opened: Opened<Client>) {
    const { kind, region, endpoint, environment } = opened;
    this.#opened = opened;
    this.target = `${kind.scheme}://${region}${endpoint === null ? '' : `?endpoint=${endpoint}`}`;
    this.region = region;
    this.endpoint = endpoint;
    this.environment = environment;
    this.#caller = new AwsCaller({ name: kind.name, target: this.target, endpoint }, environment.timeoutMs);
  }

  /**
   * A call that is safe to repeat. `channel` is what it is about; `waitMs` is how long the service itself may wait before it
   * answers. Throws `NotFoundError` and the other errors of AWS in our words, `UsageError` for a channel of another region.
   */
  async ask<Answer>(
    send: (client: Client, options: CallOptions) => Promise<Answer>,
    signal: AbortSignal,
    channel: string | null = null,
    waitMs = 0,
  ): Promise<Answer> {
    if (channel !== null) this.#refuseElsewhere(channel);
    const terms = { waitMs, ...(channel !== null && { about: { kind: this.#thing, name: channel } }) };
    return this.#caller.call((options) => send(this.#opened.reader, options), signal, terms);
  }

  /** An ARN says its region: asked here, AWS would say that there is no such thing, or that its name is wrong. */
  #refuseElsewhere(channel: string): void {
    const region = /^arn:[^:]*:[^:]*:([^:]+):/.exec(channel)?.[1];
    if (region === undefined || region === this.region) return;
    const { scheme, thing } = this.#opened.kind;
    throw new UsageError(`the ${thing} "${channel}" is of another region than ${this.target}`, {
      hint: `reach it by its own: ${scheme}://${region}`,
    });
  }

  /** A call that is made once; throws what AWS answered as it is: see `failure`. */
  once<Answer>(
    send: (client: Client, options: CallOptions) => Promise<Answer>,
    signal: AbortSignal,
  ): Promise<Answer> {
    return this.#caller.attempt((options) => send(this.#opened.once, options), signal);
  }

  /** What AWS answered about a channel, in our words. */
  failure(thrown: unknown, channel: string): unknown {
    return awsFailure(thrown, this.#caller.service, { kind: this.#thing, name: channel });
  }

  async close(): Promise<void> {
    this.#opened.reader.destroy();
    this.#opened.once.destroy();
    await Promise.resolve();
  }

  get #thing(): string {
    return this.#opened.kind.thing;
  }
}

export interface Opening<Client extends AwsClient, Session extends AwsSession<Client>> {
  readonly client: (settings: ClientSettings, address: AwsAddress) => Client;
  readonly session: (opened: Opened<Client>) => Session;
  /** A small question, so that what is wrong with the way there or the login is told before anything else. */
  readonly probe: (session: Session, signal: AbortSignal) => Promise<unknown>;
  /** Keys of the address and of a context's settings that only this service has. */
  readonly ownKeys?: readonly string[];
}

/** Throws `UnreachableError`, `UsageError` for an address that cannot be. */
export async function openSession<Client extends AwsClient, Session extends AwsSession<Client>>(
  kind: ServiceKind,
  connection: Connection,
  environment: Environment,
  { client, session: made, probe, ownKeys = [] }: Opening<Client, Session>,
): Promise<Session> {
  const address = parseAwsAddress(connection, ownKeys);
  const clientThat = (repeats: boolean): Client =>
    client(clientSettings(address, connection, environment, { repeats }), address);
  const clients = { reader: clientThat(true), once: clientThat(false) };
  const endpoint = shownEndpoint(address);
  try {
    const region = await clients.reader.config.region().catch((error: unknown) => {
      throw awsFailure(error, { name: kind.name, target: `${kind.scheme}:`, endpoint }, null);
    });
    const session = made({ kind, environment, ...clients, region, endpoint });
    await probe(session, environment.signal).catch((error: unknown) => {
      // Whoever may not list is logged in: one channel may be all that these credentials are for.
      if (!(error instanceof DeniedError)) throw error;
      environment.log(error.message);
    });
    environment.log(`connected to ${session.target}`);
    return session;
  } catch (error) {
    clients.reader.destroy();
    clients.once.destroy();
    throw error;
  }
}
