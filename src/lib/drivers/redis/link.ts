/** The connections of one driver: to one server, to what its sentinels name, or to all nodes of a cluster. */
import { setTimeout as sleep } from 'node:timers/promises';
import { createClient, createCluster, ErrorReply, RESP_TYPES } from '@redis/client';
import { FailedError, UnreachableError, UsageError } from '../../errors.ts';
import type { Environment } from '../driver.ts';
import { addressText } from '../../address-text.ts';
import { mappedAddress } from './address.ts';
import type { HostAndPort, ParsedAddress } from './address.ts';
import { commandFailure, connectFailure, lostConnection, noAnswer } from './failures.ts';
import { listOf, mapOf, replyOf, textOf } from './reply.ts';
import type { Reply } from './reply.ts';

export type Word = string | Buffer;
export type Words = readonly Word[];

/** A Lua script: what it does happens in one step. */
export interface Script {
  readonly text: string;
  /** How many of its words are keys. */
  readonly keys: number;
}

/** One server that holds keys. */
export interface Node {
  readonly address: string;
  ask(words: Words, signal: AbortSignal | null): Promise<Reply>;
}

interface Wire {
  readonly isCluster: boolean;
  /** `key` says which node of a cluster is asked. */
  send(key: Word | undefined, words: Words): Promise<unknown>;
  nodes(): Promise<readonly { readonly address: string; send(words: Words): Promise<unknown> }[]>;
  destroy(): void;
}

/** Names and payloads are bytes; only what this driver knows to be text is made text. */
const options = { typeMapping: { [RESP_TYPES.BLOB_STRING]: Buffer } };

/** How long it waits before it asks again. */
const againMs = 50;

export class Link {
  readonly address: ParsedAddress;
  readonly timeoutMs: number;
  readonly #log: Environment['log'];
  #wire: Promise<Wire> | null = null;
  #closed = false;

  constructor(address: ParsedAddress, { timeoutMs, log }: Environment) {
    this.address = address;
    this.timeoutMs = timeoutMs;
    this.#log = log;
  }

  get target(): string {
    return this.address.target;
  }

  /** Connects and logs in, so that what is wrong with that is told first. Throws `UnreachableError`. */
  async open(signal: AbortSignal): Promise<void> {
    await this.#within(this.#connected(), signal);
  }

  async isCluster(signal: AbortSignal): Promise<boolean> {
    return (await this.#within(this.#connected(), signal)).isCluster;
  }

  /**
   * A command, about the key. Calls in a row are on the wire in that order. `null` for the signal: it is not to be given up.
   * Throws `UnreachableError` where no answer came, else what the server refused with.
   */
  async ask(key: string, words: Words, signal: AbortSignal | null): Promise<Reply> {
    return this.#send((wire) => wire.send(key, words), `"${key}"`, signal);
  }

  /** A command that is about no key, at any node. */
  async askAny(words: Words, signal: AbortSignal | null): Promise<Reply> {
    return this.#send((wire) => wire.send(undefined, words), words.slice(0, 2).join(' '), signal);
  }

  /** Runs a script; its first words are its keys. */
  async run(script: Script, words: Words, signal: AbortSignal | null): Promise<Reply> {
    const key = String(words[0]);
    return this.ask(key, ['EVAL', script.text, String(script.keys), ...words], signal);
  }

  /** Every server that holds keys: one, or the primaries of a cluster. */
  async nodes(signal: AbortSignal): Promise<readonly Node[]> {
    const wire = await this.#within(this.#connected(), signal);
    const nodes = await this.#within(wire.nodes(), signal);
    return nodes.map((node) => ({
      address: node.address,
      ask: (words, own) => this.#send(() => node.send(words), `${String(words[0])} at ${node.address}`, own),
    }));
  }

  close(): void {
    this.#closed = true;
    void this.#wire?.then(
      (wire) => wire.destroy(),
      () => undefined,
    );
    this.#wire = null;
  }

  // -------------------------------------------------------------------------------------------------------------------

  async #send(
    send: (wire: Wire) => Promise<unknown>,
    about: string,
    signal: AbortSignal | null,
  ): Promise<Reply> {
    signal?.throwIfAborted();
    const connecting = this.#connected();
    const wire = await this.#within(connecting, signal);
    try {
      return replyOf(await this.#answered(() => send(wire), signal));
    } catch (error) {
      if (signal?.aborted === true) throw error;
      // What was the primary is one no longer: the sentinels are asked anew.
      const demoted = error instanceof ErrorReply && error.message.startsWith('READONLY');
      if (demoted && this.address.sentinel !== null) this.#drop(connecting, wire);
      if (error instanceof ErrorReply) throw commandFailure(error, about, this.target);
      // Whatever it was, the next one begins afresh.
      this.#drop(connecting, wire);
      if (error instanceof UnreachableError) throw error;
      throw lostConnection(this.target, error);
    }
  }

  #drop(connecting: Promise<Wire>, wire: Wire): void {
    if (this.#wire === connecting) this.#wire = null;
    wire.destroy();
  }

  /** While a slot of a cluster moves, its keys are at two nodes for a moment: then nothing was done, and it is asked again. */
  async #answered(send: () => Promise<unknown>, signal: AbortSignal | null): Promise<unknown> {
    const deadline = performance.now() + this.timeoutMs;
    for (;;) {
      try {
        return await this.#within(send(), signal);
      } catch (error) {
        const passing = error instanceof ErrorReply && error.message.startsWith('TRYAGAIN');
        if (!passing || performance.now() > deadline) throw error;
        await sleep(againMs, undefined, signal === null ? {} : { signal });
      }
    }
  }

  #connected(): Promise<Wire> {
    if (this.#closed) throw new FailedError('the connection to Redis is closed');
    if (this.#wire === null) {
      const made = this.#connect();
      this.#wire = made;
      made.catch(() => {
        if (this.#wire === made) this.#wire = null;
      });
    }
    return this.#wire;
  }

  async #connect(): Promise<Wire> {
    const { address } = this;
    if (address.sentinel !== null) return this.#single(await this.#primaryOf(address.sentinel));
    let failure: unknown = null;
    for (const host of address.hosts) {
      try {
        const single = await this.#single(host);
        const mode = await this.#modeOf(single);
        if (mode !== 'cluster') return single;
        single.destroy();
        return await this.#cluster();
      } catch (error) {
        failure = error;
        if (error instanceof UsageError) break;
      }
    }
    throw failure;
  }

  async #single(host: HostAndPort, login = this.#login(), database = this.address.database): Promise<Wire> {
    const { address, timeoutMs } = this;
    const at = addressText(host);
    const client = createClient({
      RESP: 2,
      ...login,
      database,
      disableOfflineQueue: true,
      socket: this.#socket(host),
      maintNotifications: 'disabled',
      disableClientInfo: true,
    });
    // Told by the answers that do not come.
    client.on('error', (error: unknown) => this.#log(`redis ${at}: ${String(error)}`));
    try {
      await this.#within(client.connect(), null);
    } catch (error) {
      client.destroy();
      throw connectFailure(error, at, address, timeoutMs);
    }
    this.#log(`connected to Redis at ${at}`);
    const send = (words: Words): Promise<unknown> => client.sendCommand(words, options);
    return {
      isCluster: false,
      send: (_, words) => send(words),
      nodes: async () => [{ address: at, send }],
      destroy: () => destroyQuietly(client),
    };
  }

  /** `standalone`, `cluster` or `sentinel`. */
  async #modeOf(single: Wire): Promise<string> {
    try {
      const mode = textOf(
        mapOf(replyOf(await this.#within(single.send(undefined, ['HELLO']), null))).get('mode'),
      );
      if (mode === 'sentinel')
        throw new UsageError(`${this.target} is a sentinel: say which primary is meant`, {
          hint: `add ?sentinel=NAME to the URL, NAME one of: ${(await this.#primaries(single)).join(', ')}`,
        });
      return mode;
    } catch (error) {
      if (!(error instanceof ErrorReply)) {
        single.destroy();
        throw error;
      }
      // NOAUTH says that this login may do nothing yet; a server before 6 has no HELLO, and is taken for one alone.
      if (/^(NOAUTH|WRONGPASS)/.test(error.message)) {
        single.destroy();
        throw connectFailure(error, this.target, this.address, this.timeoutMs);
      }
      return 'standalone';
    }
  }

  async #primaries(sentinel: Wire): Promise<readonly string[]> {
    const masters = replyOf(await this.#within(sentinel.send(undefined, ['SENTINEL', 'MASTERS']), null));
    return listOf(masters).map((one) => textOf(mapOf(one).get('name')));
  }

  async #primaryOf(sentinel: NonNullable<ParsedAddress['sentinel']>): Promise<HostAndPort> {
    const { primary, username, password } = sentinel;
    const login = password === null ? null : { ...(username !== null && { username }), password };
    let failure: unknown = null;
    for (const host of this.address.hosts) {
      try {
        const wire = await this.#single(host, login, 0);
        try {
          const answer = listOf(
            replyOf(
              await this.#within(
                wire.send(undefined, ['SENTINEL', 'GET-MASTER-ADDR-BY-NAME', primary]),
                null,
              ),
            ),
          );
          if (answer.length < 2)
            throw new UsageError(`the sentinels at ${this.target} know no primary "${primary}"`, {
              hint: `known are ${(await this.#primaries(wire)).join(', ')}`,
            });
          const at = { host: textOf(answer[0]), port: Number(textOf(answer[1])) };
          return mappedAddress(this.address.addressMap, at);
        } finally {
          wire.destroy();
        }
      } catch (error) {
        if (error instanceof UsageError) throw error;
        failure =
          error instanceof ErrorReply ? commandFailure(error, 'the sentinel', addressText(host)) : error;
      }
    }
    throw failure;
  }

  async #cluster(): Promise<Wire> {
    const cluster = createCluster({
      RESP: 2,
      rootNodes: this.address.hosts.map((host) => ({ socket: this.#socket(host) })),
      defaults: {
        ...this.#login(),
        socket: this.#socket(null),
        maintNotifications: 'disabled',
        disableClientInfo: true,
      },
      nodeAddressMap: (address) => {
        const colon = address.lastIndexOf(':');
        const at = { host: address.slice(0, colon), port: Number(address.slice(colon + 1)) };
        return mappedAddress(this.address.addressMap, at);
      },
    });
    cluster.on('error', (error: unknown) => this.#log(`redis cluster: ${String(error)}`));
    try {
      await this.#within(cluster.connect(), null);
    } catch (error) {
      destroyQuietly(cluster);
      if (error instanceof UnreachableError) throw error;
      throw connectFailure(error, `${this.target} (a cluster)`, this.address, this.timeoutMs);
    }
    this.#log(`connected to the ${String(cluster.masters.length)} primaries of ${this.target}`);
    return {
      isCluster: true,
      send: (key, words) => cluster.sendCommand(key, false, [...words], options),
      nodes: () =>
        Promise.all(
          cluster.masters.map(async (node) => {
            const client = await cluster.nodeClient(node);
            return {
              address: node.address,
              send: (words: Words): Promise<unknown> => client.sendCommand(words, options),
            };
          }),
        ),
      destroy: () => destroyQuietly(cluster),
    };
  }

  #login() {
    const { username, password } = this.address;
    if (password === null) return null;
    return { ...(username !== null && { username }), password };
  }

  #socket(host: HostAndPort | null) {
    const { tls } = this.address;
    return {
      ...host,
      connectTimeout: this.timeoutMs,
      reconnectStrategy: false as const,
      ...(tls !== null && { tls: true as const, ...tls }),
    };
  }

  /** Throws `UnreachableError` when it takes too long, the signal's reason when it is aborted. */
  async #within<T>(work: Promise<T>, signal: AbortSignal | null): Promise<T> {
    work.catch(() => undefined);
    const ended = Promise.withResolvers<never>();
    const late = setTimeout(() => ended.reject(noAnswer(this.target, this.timeoutMs)), this.timeoutMs);
    const abort = (): void => {
      const reason: unknown = signal?.reason;
      ended.reject(reason instanceof Error ? reason : new Error('aborted'));
    };
    if (signal?.aborted === true) abort();
    signal?.addEventListener('abort', abort, { once: true });
    try {
      return await Promise.race([work, ended.promise]);
    } finally {
      clearTimeout(late);
      signal?.removeEventListener('abort', abort);
    }
  }
}

/** It throws where it is closed already. */
function destroyQuietly(client: { destroy(): void }): void {
  try {
    client.destroy();
  } catch {
    // What was to be is.
  }
}
