import net from 'node:net';
import tls from 'node:tls';
import loggers from 'kafkajs/src/loggers/index.js';
import type { SaslOptions } from 'kafkajs/src/network/connection.js';
import RequestQueue from 'kafkajs/src/network/requestQueue/index.js';
import { FailedError, MqctlError, UnreachableError } from '../../errors.ts';
import { connectionFailure, responseFailure } from './failures.ts';
import { GuardedConnection } from './guarded-connection.ts';
import type { Api } from './protocol/api.ts';
import { apiVersions } from './protocol/api-versions.ts';
import type { ApiVersionsAnswer } from './protocol/api-versions.ts';
import { errorCodes } from './protocol/error-codes.ts';
import { MalformedError, ProtocolReader, ProtocolWriter } from './protocol/primitives.ts';
import { addressText } from '../../address-text.ts';
import type { Address } from './settings.ts';

/**
 * kafkajs schedules a check of its queue with the time until which the broker throttles, which is negative when it never
 * did: a warning of Node on each process. Nothing is to be scheduled while nothing waits.
 */
RequestQueue.prototype.scheduleCheckPendingRequests = function scheduleCheckPendingRequests(
  this: RequestQueue,
) {
  if (this.throttleCheckTimeoutId !== null || this.pending.length === 0) return;
  const untilUnthrottled = this.throttledUntil - Date.now();
  this.throttleCheckTimeoutId = setTimeout(
    () => {
      this.throttleCheckTimeoutId = null;
      this.checkPendingRequests();
    },
    Math.max(untilUnthrottled, 10),
  );
};

export interface LinkOptions {
  /** Where to connect. */
  readonly reachable: Address;
  /** What the broker calls itself: for errors, and the name in its certificate. */
  readonly advertised: Address;
  readonly tls: tls.ConnectionOptions | null;
  readonly sasl: SaslOptions | null;
  readonly timeoutMs: number;
  readonly log: (line: string) => void;
}

/** One logged-in connection to one broker: kafkajs' connection with our requests on it. */
export class NodeLink {
  readonly address: string;
  readonly #options: LinkOptions;
  readonly #connection: GuardedConnection;
  readonly #sockets = new Set<net.Socket>();
  #versions: ApiVersionsAnswer = { errorCode: 0, ranges: new Map(), features: new Map() };
  #closed = false;

  private constructor(options: LinkOptions) {
    this.#options = options;
    this.address = addressText(options.advertised);
    this.#connection = new GuardedConnection({
      host: options.advertised.host,
      port: options.advertised.port,
      clientId: 'mqctl',
      connectionTimeout: options.timeoutMs,
      requestTimeout: options.timeoutMs,
      sasl: options.sasl === null ? null : { ...options.sasl },
      logger: loggers.createLogger({
        level: loggers.LEVELS.INFO,
        logCreator:
          () =>
          ({ label, log }) => {
            options.log(`kafka ${this.address} ${label.toLowerCase()}: ${String(log['message'])}`);
          },
      }),
      socketFactory: ({ onConnect }) => this.#socket(onConnect),
    });
  }

  /** Connects, asks for the versions, logs in. Throws `UnreachableError`. */
  static async open(options: LinkOptions): Promise<NodeLink> {
    const link = new NodeLink(options);
    const deadline = setTimeout(() => link.#drop(new Error('timed out')), options.timeoutMs);
    try {
      await link.#connection.connect();
      await link.#negotiate();
      await link.#connection.authenticate();
      return link;
    } catch (thrown) {
      link.close();
      throw thrown instanceof MqctlError
        ? thrown
        : connectionFailure(thrown, link.address, options.tls !== null);
    } finally {
      clearTimeout(deadline);
    }
  }

  get usable(): boolean {
    return !this.#closed && this.#connection.isConnected();
  }

  /** Finalized features of the cluster, as of this connection's beginning. */
  get features(): ReadonlyMap<string, number> {
    return this.#versions.features;
  }

  /** The highest version of an API that both know, or null. */
  versionOf(api: Pick<Api<never, unknown>, 'key' | 'versions'>): number | null {
    const range = this.#versions.ranges.get(api.key);
    if (range === undefined) return null;
    const version = Math.min(api.versions.max, range.highest);
    return version >= Math.max(api.versions.min, range.lowest) ? version : null;
  }

  /** Throws `UnreachableError` when no answer came, `FailedError` when the broker does not know the request or its answer is malformed. */
  async call<Request, Response>(
    api: Api<Request, Response>,
    request: Request,
    timeoutMs: number,
  ): Promise<Response> {
    const version = this.versionOf(api);
    if (version === null) {
      throw new FailedError(`${this.address} does not know ${api.name} in a version that mqctl speaks`, {
        hint: 'the broker is too old or too new for this',
      });
    }
    return this.#exchange(api, request, version, timeoutMs);
  }

  close(): void {
    if (this.#closed) return;
    this.#drop(new Error('the connection was closed here'));
  }

  async #negotiate(): Promise<void> {
    const { timeoutMs } = this.#options;
    let answer = await this.#exchange(apiVersions, null, 3, timeoutMs);
    // A broker that does not know this version says so in the form of version 0 (KIP-35, KIP-511).
    if (answer.errorCode === errorCodes.UNSUPPORTED_VERSION)
      answer = await this.#exchange(apiVersions, null, 0, timeoutMs);
    this.#versions = answer;
    const kafkajsRanges: Record<number, { minVersion: number; maxVersion: number }> = {};
    for (const [key, { lowest, highest }] of answer.ranges)
      kafkajsRanges[key] = { minVersion: lowest, maxVersion: highest };
    this.#connection.setVersions(kafkajsRanges);
    const saslAuthenticate = 36;
    this.#connection.setSupportAuthenticationProtocol(answer.ranges.has(saslAuthenticate));
  }

  async #exchange<Request, Response>(
    api: Api<Request, Response>,
    request: Request,
    version: number,
    timeoutMs: number,
  ): Promise<Response> {
    const flexible = version >= api.flexibleFrom;
    const begun = performance.now();
    try {
      const response = await this.#connection.send<Response>({
        request: {
          apiKey: api.key,
          apiName: api.name,
          apiVersion: version,
          encode: async () => {
            const writer = new ProtocolWriter(flexible);
            // The request header of flexible versions ends with its tagged fields.
            writer.tags();
            api.write(writer, request, version);
            const bytes = Buffer.from(writer.finish().buffer, 0, writer.length);
            return { buf: bytes, buffer: bytes };
          },
        },
        response: {
          decode: async (payload) => {
            const reader = new ProtocolReader(payload, flexible);
            // So does the response header, save that of ApiVersions.
            if (flexible && api.key !== apiVersions.key) reader.skipTaggedFields();
            return { answer: read(api, reader, version), clientSideThrottleTime: null };
          },
          parse: async ({ answer }) => answer,
        },
        requestTimeout: timeoutMs,
        logResponseError: false,
      });
      this.#options.log(
        `kafka ${this.address} ${api.name} v${String(version)} ${(performance.now() - begun).toFixed(1)} ms`,
      );
      return response;
    } catch (thrown) {
      this.#options.log(`kafka ${this.address} ${api.name} v${String(version)} failed`);
      if (thrown instanceof MalformedError) {
        this.close();
        throw responseFailure(thrown, api.name, this.address);
      }
      const failure = connectionFailure(thrown, this.address, this.#options.tls !== null);
      // A connection that did not answer once is not waited for again.
      if (failure instanceof UnreachableError) this.close();
      throw failure;
    }
  }

  #socket(onConnect: () => void): net.Socket {
    const { reachable } = this.#options;
    const socket =
      this.#options.tls === null
        ? net.connect({ host: reachable.host, port: reachable.port, noDelay: true }, onConnect)
        : tls.connect({ host: reachable.host, port: reachable.port, ...this.#options.tls }, onConnect);
    if (this.#options.tls !== null) socket.setNoDelay(true);
    socket.setKeepAlive(true, 60_000);
    this.#sockets.add(socket);
    socket.once('close', () => {
      this.#sockets.delete(socket);
      // kafkajs hears of an end and of an error, not of a socket that is gone without either.
      this.#connection.rejectRequests(new Error('the connection was closed'));
    });
    return socket;
  }

  /** Ends at once: what waits for an answer fails with `reason`. */
  #drop(reason: Error): void {
    this.#closed = true;
    this.#connection.rejectRequests(reason);
    for (const socket of this.#sockets) socket.destroy(this.#connection.isConnected() ? undefined : reason);
    this.#connection.disconnect().catch(() => undefined);
  }
}

function read<Response>(api: Api<never, Response>, reader: ProtocolReader, version: number): Response {
  try {
    return api.read(reader, version);
  } catch (thrown) {
    if (thrown instanceof RangeError) throw new MalformedError(thrown.message);
    throw thrown;
  }
}
