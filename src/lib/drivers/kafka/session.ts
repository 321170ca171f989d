import { setTimeout as sleep } from 'node:timers/promises';
import type { SaslOptions } from 'kafkajs/src/network/connection.js';
import { FailedError, MqctlError, NotFoundError, UnreachableError } from '../../errors.ts';
import type { Connection, Environment } from '../driver.ts';
import { protocolFailure } from './failures.ts';
import { NodeLink } from './node-link.ts';
import type { Api } from './protocol/api.ts';
import { errorCodes } from './protocol/error-codes.ts';
import { findCoordinator } from './protocol/find-coordinator.ts';
import type { CoordinatorKind } from './protocol/find-coordinator.ts';
import { metadata } from './protocol/metadata.ts';
import type { BrokerNode, ClusterMetadata, TopicMetadata } from './protocol/metadata.ts';
import { saslOptions } from './sasl.ts';
import { addressText } from '../../address-text.ts';
import { bootstrapBrokers, parseAddress, tlsOptions } from './settings.ts';
import type { Address } from './settings.ts';

export interface SendOptions {
  /**
   * The connection to use: a broker answers the requests of one connection in turn, so what waits long (`fetch`, `group`)
   * or must not wait (`produce`) has its own. Default `requests`.
   */
  readonly lane?: string;
  /** Milliseconds; default the environment's. */
  readonly timeoutMs?: number;
  readonly signal?: AbortSignal;
}

const pauseMs = 100;
const movedCoordinator: ReadonlySet<number> = new Set([
  errorCodes.COORDINATOR_LOAD_IN_PROGRESS,
  errorCodes.COORDINATOR_NOT_AVAILABLE,
  errorCodes.NOT_COORDINATOR,
]);

/**
 * A logged-in client of one cluster: knows its brokers, keeps a few connections to each, sends any request to a broker
 * or to the coordinator of a group. Repeats nothing but the search for a coordinator, so the caller decides what is
 * safe to send again.
 */
export class Session {
  /** `kafka://host:port`, without secrets. */
  readonly target: string;
  /** The compacted topic that remembers which dead letters are resolved; null: the commits do. */
  readonly resolvedTopic: string | null;
  readonly environment: Environment;
  readonly #connection: Connection;
  readonly #sasl: SaslOptions | null;
  readonly #bootstrap: readonly Address[];
  readonly #links = new Map<string, Promise<NodeLink>>();
  readonly #coordinators = new Map<string, number>();
  #nodes: ReadonlyMap<number, BrokerNode> = new Map();
  #closed = false;

  private constructor(connection: Connection, environment: Environment, sasl: SaslOptions | null) {
    this.#connection = connection;
    this.environment = environment;
    this.resolvedTopic = connection.resolvedTopic ?? null;
    this.#sasl = sasl;
    this.#bootstrap = bootstrapBrokers(connection.url);
    const scheme = /^kafkas:/i.test(connection.url) ? 'kafkas' : 'kafka';
    this.target = `${scheme}://${this.#bootstrap.map(addressText).join(',')}`;
  }

  /** Connects to the first bootstrap broker that answers. Throws `UnreachableError`, `UsageError`. */
  static async open(connection: Connection, environment: Environment): Promise<Session> {
    const session = new Session(connection, environment, await saslOptions(connection));
    try {
      // A listener that wants a login lets the versions be asked: only the next request shows.
      await session.metadata([], environment.signal);
      return session;
    } catch (thrown) {
      await session.close();
      throw thrown;
    }
  }

  /** The brokers as the latest metadata named them. */
  get nodes(): ReadonlyMap<number, BrokerNode> {
    return this.#nodes;
  }

  /** Finalized features of the cluster (`metadata.version`, `group.version`, `share.version`, `transaction.version`). */
  async features(signal: AbortSignal): Promise<ReadonlyMap<string, number>> {
    return (await this.#anyLink(signal)).features;
  }

  /** The highest version of an API that this broker and we know, or null. */
  async versionAt(
    node: number,
    api: Pick<Api<never, unknown>, 'key' | 'versions'>,
    signal: AbortSignal,
  ): Promise<number | null> {
    return (await this.#nodeLink(node, 'requests', signal)).versionOf(api);
  }

  /** The same for whichever broker is connected. */
  async versionAtAny(
    api: Pick<Api<never, unknown>, 'key' | 'versions'>,
    signal: AbortSignal,
  ): Promise<number | null> {
    return (await this.#anyLink(signal)).versionOf(api);
  }

  /** Sends to one broker. Throws `UnreachableError` when no answer came (the request may have been done). */
  async send<Request, Response>(
    node: number,
    api: Api<Request, Response>,
    request: Request,
    options: SendOptions = {},
  ): Promise<Response> {
    const link = await this.#nodeLink(node, options.lane ?? 'requests', options.signal);
    return this.#call(link, api, request, options);
  }

  /** Connects to one broker, so that a failure of this is known to have sent nothing. Throws `UnreachableError`. */
  async reach(node: number, options: SendOptions = {}): Promise<void> {
    await this.#nodeLink(node, options.lane ?? 'requests', options.signal);
  }

  /** Sends to whichever broker is connected. */
  async sendToAny<Request, Response>(
    api: Api<Request, Response>,
    request: Request,
    options: SendOptions = {},
  ): Promise<Response> {
    return this.#call(await this.#anyLink(options.signal), api, request, options);
  }

  /** Sends to the controller (with KRaft: to a broker that forwards there). */
  async sendToController<Request, Response>(
    api: Api<Request, Response>,
    request: Request,
    options: SendOptions = {},
  ): Promise<Response> {
    const { controller } = await this.metadata([], options.signal);
    if (!this.#nodes.has(controller)) return this.sendToAny(api, request, options);
    return this.send(controller, api, request, options);
  }

  /**
   * Sends to the coordinator of a group, share group or transactional id. Where the API tells its `errorCode`, a coordinator
   * that is loading or has moved is found and asked again within the time-out.
   */
  async sendToCoordinator<Request, Response>(
    kind: CoordinatorKind,
    key: string,
    api: Api<Request, Response>,
    request: Request,
    options: SendOptions = {},
  ): Promise<Response> {
    const deadline = Date.now() + (options.timeoutMs ?? this.environment.timeoutMs);
    for (;;) {
      const node = (await this.coordinators(kind, [key], options.signal)).get(key);
      if (node === undefined)
        throw new UnreachableError(`no coordinator for "${key}" at ${this.target}`, { retriable: true });
      const response = await this.send(node, api, request, options);
      const code = api.errorCode?.(response) ?? 0;
      if (!movedCoordinator.has(code) || Date.now() > deadline) return response;
      this.forgetCoordinator(kind, key);
      await pause(options.signal);
    }
  }

  /**
   * The coordinator's node for each key, asked in one request where the broker can (KIP-699), and remembered.
   * Throws `DeniedError`, `UnreachableError` when one is not there within the time-out.
   */
  async coordinators(
    kind: CoordinatorKind,
    keys: readonly string[],
    signal?: AbortSignal,
  ): Promise<ReadonlyMap<string, number>> {
    const deadline = Date.now() + this.environment.timeoutMs;
    const cached = (key: string): number | undefined => this.#coordinators.get(`${kind}/${key}`);
    let missing = [...new Set(keys.filter((key) => cached(key) === undefined))];
    while (missing.length > 0) {
      missing = await this.#findCoordinators(kind, missing, Date.now() > deadline, signal);
      if (missing.length > 0) await pause(signal);
    }
    return new Map(keys.map((key) => [key, cached(key) ?? -1]));
  }

  /** After NOT_COORDINATOR and its like. */
  forgetCoordinator(kind: CoordinatorKind, key: string): void {
    this.#coordinators.delete(`${kind}/${key}`);
  }

  /** Asks for topics (null: all) and learns the brokers. Errors of single topics and partitions are in the answer. */
  async metadata(topics: readonly string[] | null, signal?: AbortSignal): Promise<ClusterMetadata> {
    const answer = await this.sendToAny(metadata, { topics }, signal === undefined ? {} : { signal });
    // What a listener answers, before it closes, to one who has not logged in.
    if (answer.brokers.length === 0) {
      throw new UnreachableError(`${this.target} names no brokers`, {
        hint: 'check that the login went through',
      });
    }
    this.#nodes = new Map(answer.brokers.map((broker) => [broker.node, broker]));
    return answer;
  }

  /** One topic. Throws `NotFoundError`, `DeniedError`, `FailedError`. */
  async topic(name: string, signal?: AbortSignal): Promise<TopicMetadata> {
    const { topics } = await this.metadata([name], signal);
    const topic = topics.find((each) => each.topic === name);
    // A name that no topic may have is one that is not there.
    if (topic === undefined || topic.errorCode === errorCodes.INVALID_TOPIC_EXCEPTION) {
      throw new NotFoundError('topic', name, this.target);
    }
    // A topic that is being made has partitions without leaders: theirs is the error that counts.
    if (topic.errorCode !== 0 && topic.errorCode !== errorCodes.LEADER_NOT_AVAILABLE) {
      throw protocolFailure(topic.errorCode, { doing: 'look up', kind: 'topic', name, where: this.target });
    }
    return topic;
  }

  /** Ends the connections of a lane, and with them what waits there. */
  closeLane(lane: string): void {
    for (const [key, opening] of this.#links) {
      if (!key.endsWith(` ${lane}`)) continue;
      this.#links.delete(key);
      opening.then(
        (link) => {
          link.close();
        },
        () => undefined,
      );
    }
  }

  /** Idempotent. What waits for an answer fails. */
  async close(): Promise<void> {
    this.#closed = true;
    const links = [...this.#links.values()];
    this.#links.clear();
    for (const link of await Promise.allSettled(links)) if (link.status === 'fulfilled') link.value.close();
  }

  async #findCoordinators(
    kind: CoordinatorKind,
    keys: readonly string[],
    last: boolean,
    signal: AbortSignal | undefined,
  ): Promise<string[]> {
    const options = signal === undefined ? {} : { signal };
    const batched = ((await this.versionAtAny(findCoordinator, signal ?? this.environment.signal)) ?? 0) >= 4;
    const found = batched
      ? await this.sendToAny(findCoordinator, { kind, keys }, options)
      : (
          await Promise.all(
            keys.map(async (key) =>
              (await this.sendToAny(findCoordinator, { kind, keys: [key] }, options)).map((each) => ({
                ...each,
                key,
              })),
            ),
          )
        ).flat();
    const unknownNodes = found.some(({ errorCode, node }) => errorCode === 0 && !this.#nodes.has(node));
    if (unknownNodes) await this.metadata([], signal);
    const missing: string[] = [];
    for (const { key, errorCode, errorMessage, node } of found) {
      if (errorCode === 0 && this.#nodes.has(node)) {
        this.#coordinators.set(`${kind}/${key}`, node);
      } else if (!last && (errorCode === 0 || movedCoordinator.has(errorCode))) {
        missing.push(key);
      } else {
        const subject = {
          doing: 'find the coordinator of',
          kind: kind === 'transaction' ? kind : 'group',
          name: key,
          where: this.target,
        } as const;
        throw protocolFailure(errorCode, subject, errorMessage);
      }
    }
    return missing;
  }

  async #call<Request, Response>(
    link: NodeLink,
    api: Api<Request, Response>,
    request: Request,
    options: SendOptions,
  ): Promise<Response> {
    return abortable(
      link.call(api, request, options.timeoutMs ?? this.environment.timeoutMs),
      options.signal,
    );
  }

  /** Any live connection, else a new one: to a bootstrap broker, then to those that metadata named. */
  async #anyLink(signal: AbortSignal | undefined): Promise<NodeLink> {
    for (const [key, opening] of this.#links) {
      if (!key.endsWith(' requests')) continue;
      const link = await abortable(
        opening.catch(() => null),
        signal,
      );
      if (link?.usable) return link;
    }
    const known = [...this.#nodes.values()].map(({ host, port }) => ({ host, port }));
    const candidates = [...this.#bootstrap, ...known];
    const share = Math.max(1_000, Math.floor(this.environment.timeoutMs / this.#bootstrap.length));
    const deadline = Date.now() + this.environment.timeoutMs;
    let failure: MqctlError | null = null;
    for (const candidate of candidates) {
      const rest = deadline - Date.now();
      if (rest <= 0) break;
      try {
        return await this.#link(candidate, 'requests', Math.min(share, rest), signal);
      } catch (thrown) {
        // Another broker will say the same of a login or a certificate.
        if (!(thrown instanceof MqctlError) || !worthAnother(thrown)) throw thrown;
        failure ??= thrown;
      }
    }
    throw (
      failure ?? new UnreachableError(`no broker of ${this.target} answered in time`, { retriable: true })
    );
  }

  async #nodeLink(node: number, lane: string, signal: AbortSignal | undefined): Promise<NodeLink> {
    const known =
      this.#nodes.get(node) ??
      (await this.metadata([], signal)).brokers.find((broker) => broker.node === node);
    if (known === undefined) {
      throw new UnreachableError(`broker ${String(node)} of ${this.target} is not there`, {
        hint: 'it is down or being replaced: see "mqctl status"',
        retriable: true,
      });
    }
    return this.#link(known, lane, this.environment.timeoutMs, signal);
  }

  async #link(
    advertised: Address,
    lane: string,
    timeoutMs: number,
    signal: AbortSignal | undefined,
  ): Promise<NodeLink> {
    if (this.#closed) throw new FailedError(`the connection to ${this.target} is closed`);
    signal?.throwIfAborted();
    const mapped = this.#connection.addressMap.get(addressText(advertised));
    const reachable = mapped === undefined ? advertised : (parseAddress(mapped) ?? advertised);
    const key = `${addressText(reachable)} ${lane}`;
    const opened = this.#links.get(key);
    // One that fails is not kept: to wait for it and fail with it costs one time-out for all that wait.
    const link = opened === undefined ? null : await abortable(opened, signal);
    if (link?.usable) return link;
    // Several may have waited for the same dead connection: the first of them opens the new one.
    const current = this.#links.get(key);
    if (current !== undefined && current !== opened) return abortable(current, signal);
    const opening = NodeLink.open({
      reachable,
      advertised: { host: advertised.host, port: advertised.port },
      tls: tlsOptions(this.#connection, advertised.host),
      sasl: this.#sasl,
      timeoutMs,
      log: this.environment.log,
    });
    this.#links.set(key, opening);
    opening.then(
      (made) => {
        if (this.#closed) made.close();
      },
      () => {
        if (this.#links.get(key) === opening) this.#links.delete(key);
      },
    );
    return abortable(opening, signal);
  }
}

function worthAnother(error: MqctlError): boolean {
  return error instanceof UnreachableError && !/login|certificate|TLS|SASL/.test(error.message);
}

async function pause(signal: AbortSignal | undefined): Promise<void> {
  await sleep(pauseMs, undefined, signal === undefined ? {} : { signal });
}

/** Stops waiting when the signal aborts; the work itself ends by its own time-out. */
async function abortable<Value>(work: Promise<Value>, signal: AbortSignal | undefined): Promise<Value> {
  if (signal === undefined) return work;
  signal.throwIfAborted();
  const { promise, reject } = Promise.withResolvers<never>();
  const onAbort = (): void => {
    reject(signal.reason instanceof Error ? signal.reason : new Error('aborted'));
  };
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([work, promise]);
  } finally {
    signal.removeEventListener('abort', onAbort);
    // Nobody waits any more for a failure that comes late.
    work.catch(() => undefined);
  }
}
