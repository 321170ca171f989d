/**
 * The management HTTP API: what AMQP cannot tell (lists, rates, bindings, policies, nodes). It is optional: without it
 * the rest works, and whoever asks says what stays unknown.
 *
 * `node:http` and not `fetch`, because `fetch` takes neither an own certificate authority nor a client certificate.
 */
import { Agent as HttpAgent, request as httpRequest } from 'node:http';
import type { IncomingMessage, RequestOptions } from 'node:http';
import { Agent as HttpsAgent, request as httpsRequest } from 'node:https';
import { isIP } from 'node:net';
import { DeniedError, FailedError, UnreachableError, UsageError, errorText } from '../../errors.ts';
import type { Connection, Environment } from '../driver.ts';
import { numberOf, objectOf, objectsOf, textOf } from './json.ts';
import type { JsonObject } from './json.ts';

/** Where nothing is configured, the usual port is tried, not waited for. */
const guessTimeoutMs = 2_000;
const retryUnreachedAfterMs = 30_000;
const longestAnswer = 64 * 1024 * 1024;
const pageSize = 500;

export type Reached =
  | { readonly api: ManagementApi; readonly missing: null }
  /** Why it cannot be asked: `the management API is not reachable at http://…`. */
  | { readonly api: null; readonly missing: string };

/** Finds the API at its first use and remembers it. */
export class Management {
  readonly #connection: Connection;
  readonly #environment: Environment;
  readonly #clusterName: (signal: AbortSignal) => Promise<string | null>;
  readonly #agents = { http: new HttpAgent({ keepAlive: true }), https: new HttpsAgent({ keepAlive: true }) };
  #reached: Promise<Reached> | null = null;
  #retryAt = Infinity;

  /** `clusterName` is what the broker said over AMQP: at a guessed address another cluster may answer. */
  constructor(
    connection: Connection,
    environment: Environment,
    clusterName: (signal: AbortSignal) => Promise<string | null>,
  ) {
    this.#connection = connection;
    this.#environment = environment;
    this.#clusterName = clusterName;
  }

  /** Never throws for an API that is not there; throws when aborted. */
  async reach(signal: AbortSignal): Promise<Reached> {
    if (Date.now() >= this.#retryAt) this.#reached = null;
    const finding = (this.#reached ??= this.#find(signal));
    try {
      return await finding;
    } catch (error) {
      if (this.#reached === finding) this.#reached = null;
      throw error;
    }
  }

  /** For what only the management API can answer. Throws `FailedError` where it is not reachable; `otherwise` ends its hint. */
  async require(what: string, signal: AbortSignal, otherwise = ''): Promise<ManagementApi> {
    const { api, missing } = await this.reach(signal);
    if (api !== null) return api;
    throw new FailedError(`${what}: AMQP cannot answer this, and ${missing}`, {
      code: 'MANAGEMENT_UNREACHABLE',
      hint: `enable the plugin rabbitmq_management and set managementUrl in the context${otherwise}`,
    });
  }

  close(): void {
    this.#agents.http.destroy();
    this.#agents.https.destroy();
  }

  async #find(signal: AbortSignal): Promise<Reached> {
    this.#retryAt = Infinity;
    const configured = this.#connection.managementUrl;
    const url = new URL(configured ?? guessedAddress(this.#connection));
    const login = {
      username: decodeURIComponent(url.username) || (this.#connection.username ?? 'guest'),
      password: decodeURIComponent(url.password) || (this.#connection.password ?? 'guest'),
    };
    url.username = '';
    url.password = '';
    const send = this.#sender(url, configured === null ? guessTimeoutMs : this.#environment.timeoutMs);
    const address = url.href.replace(/\/$/, '');
    try {
      // At a guessed address the login is sent only to what says that it is a RabbitMQ.
      if (configured === null) await expectRabbitmq(send, signal);
      const api = new ManagementApi(address, this.#sender(url, this.#environment.timeoutMs), login);
      await api.get('/api/whoami', signal);
      if (configured === null) await this.#expectSameCluster(api, signal);
      this.#environment.log(`management API at ${address}`);
      return { api, missing: null };
    } catch (error) {
      if (signal.aborted) throw error;
      this.#retryAt = Date.now() + retryUnreachedAfterMs;
      this.#environment.log(`no management API at ${address}: ${errorText(error)}`);
      const missing =
        error instanceof DeniedError
          ? error.message
          : `the management API is not reachable at ${address} (${errorText(error)})`;
      return { api: null, missing };
    }
  }

  async #expectSameCluster(api: ManagementApi, signal: AbortSignal): Promise<void> {
    const answering = textOf(objectOf(await api.get('/api/overview', signal))['cluster_name']);
    const ours = await this.#clusterName(signal);
    if (answering !== ours)
      throw new Error(`the cluster "${answering ?? ''}" answers there, not "${ours ?? ''}"`);
  }

  #sender(base: URL, timeoutMs: number): Send {
    const secure = base.protocol === 'https:';
    const port = base.port === '' ? (secure ? '443' : '80') : base.port;
    const mapped = this.#connection.addressMap.get(`${base.hostname}:${port}`);
    const [, hostname, mappedPort] = /^(.*):(\d+)$/.exec(mapped ?? '') ?? [];
    const { tls } = this.#connection;
    const bareHost = withoutBrackets(base.hostname);
    const options: RequestOptions = {
      hostname: withoutBrackets(hostname ?? bareHost),
      port: mappedPort ?? port,
      agent: secure ? this.#agents.https : this.#agents.http,
    };
    const tlsOptions = {
      ca: tls?.ca ?? undefined,
      cert: tls?.certificate ?? undefined,
      key: tls?.key ?? undefined,
      passphrase: tls?.keyPassphrase ?? undefined,
      // Without it, Node checks the certificate against the address that it connects to.
      servername: tls?.serverName ?? (isIP(bareHost) === 0 ? bareHost : undefined),
      rejectUnauthorized: tls?.insecure !== true,
    };
    const prefix = base.pathname.replace(/\/$/, '');
    return (method, path, headers, signal, body) => {
      const timeout = AbortSignal.timeout(timeoutMs);
      const all = {
        ...options,
        method,
        path: prefix + path,
        headers: { accept: 'application/json', ...headers },
        signal: AbortSignal.any([signal, timeout]),
      };
      return new Promise((resolve, reject) => {
        const fail = (error: Error) => {
          if (signal.aborted) reject(abortReason(signal));
          else reject(timeout.aborted ? new Error(`no answer within ${String(timeoutMs)} ms`) : error);
        };
        const answered = (answer: IncomingMessage) => {
          readAnswer(answer).then(resolve, fail);
        };
        const request = secure
          ? httpsRequest({ ...all, ...tlsOptions }, answered)
          : httpRequest(all, answered);
        request.on('error', fail);
        request.end(body);
      });
    };
  }
}

interface Answer {
  readonly status: number;
  /** Of the challenge to log in. */
  readonly realm: string | null;
  readonly body: string;
}

type Method = 'GET' | 'PUT' | 'DELETE';

type Send = (
  method: Method,
  path: string,
  headers: Readonly<Record<string, string>>,
  signal: AbortSignal,
  body?: string,
) => Promise<Answer>;

/** The API of one virtual host's broker, logged in. Paths begin with `/api/` and are encoded already. */
export class ManagementApi {
  /** For people, without a login. */
  readonly address: string;
  readonly #send: Send;
  readonly #authorization: string;

  constructor(address: string, send: Send, login: { readonly username: string; readonly password: string }) {
    this.address = address;
    this.#send = send;
    const pair = Buffer.from(`${login.username}:${login.password}`, 'utf8').toString('base64');
    this.#authorization = `Basic ${pair}`;
  }

  /** null: not found. Throws `DeniedError`, `UnreachableError`, `FailedError` for another status. */
  async get(path: string, signal: AbortSignal): Promise<unknown> {
    const answer = await this.#ask('GET', path, {}, signal);
    if (answer === null) return null;
    try {
      const parsed: unknown = JSON.parse(answer);
      return parsed;
    } catch {
      throw new FailedError(`the management API at ${this.address} answered ${path} with no JSON`);
    }
  }

  /** Page after page of a list. `query` begins with `&` or is empty. */
  async *pages(path: string, query: string, signal: AbortSignal): AsyncIterable<readonly JsonObject[]> {
    for (let page = 1; ; page++) {
      const answer = await this.get(
        `${path}?page=${String(page)}&page_size=${String(pageSize)}${query}`,
        signal,
      );
      if (Array.isArray(answer)) {
        yield objectsOf(answer); // a version that does not know pages for this list
        return;
      }
      const shown = objectOf(answer);
      const items = objectsOf(shown['items']);
      if (items.length > 0) yield items;
      if (page >= (numberOf(shown['page_count']) ?? 0)) return;
    }
  }

  /** Throws `DeniedError`, `UnreachableError`, `FailedError` as `get` does, `UsageError` for what the broker does not take. */
  async put(path: string, document: unknown, signal: AbortSignal): Promise<void> {
    const headers = { 'content-type': 'application/json' };
    await this.#ask('PUT', path, headers, signal, JSON.stringify(document));
  }

  /** Resolves with whether it was there. */
  async delete(path: string, reason: string, signal: AbortSignal): Promise<boolean> {
    return (await this.#ask('DELETE', path, { 'x-reason': reason }, signal)) !== null;
  }

  async #ask(
    method: Method,
    path: string,
    headers: Readonly<Record<string, string>>,
    signal: AbortSignal,
    document?: string,
  ): Promise<string | null> {
    const all = { authorization: this.#authorization, ...headers };
    let answer: Answer;
    try {
      answer = await this.#send(method, path, all, signal, document);
    } catch (error) {
      if (signal.aborted) throw error;
      throw new UnreachableError(`the management API at ${this.address}: ${errorText(error)}`, {
        retriable: true,
        cause: error,
      });
    }
    const { status, body } = answer;
    if (status >= 200 && status < 300) return body;
    if (status === 404) return null;
    const words = brokerWords(body);
    if (status === 400 && method === 'PUT')
      throw new UsageError(`the management API at ${this.address} does not take this${words}`);
    if (status === 401 || status === 403) {
      throw new DeniedError(`the management API at ${this.address} refuses this login${words}`, {
        hint:
          method === 'PUT'
            ? 'the login needs the tag "policymaker" to set policies'
            : 'the login needs the tag "management", and "monitoring" to see nodes and alarms',
      });
    }
    throw new FailedError(
      `the management API at ${this.address} answered ${path} with ${String(status)}${words}`,
      {
        retriable: status >= 500,
      },
    );
  }
}

/** Where RabbitMQ has its API by default: 15672, with TLS 15671. */
function guessedAddress(connection: Connection): string {
  const url = new URL(connection.url);
  const host = url.hostname === '' ? 'localhost' : url.hostname;
  const secure = url.protocol === 'amqps:' || connection.tls !== null;
  return secure ? `https://${host}:15671` : `http://${host}:15672`;
}

/** An IPv6 address as sockets take it. */
function withoutBrackets(host: string): string {
  return host.replace(/^\[(.*)\]$/, '$1');
}

async function expectRabbitmq(send: Send, signal: AbortSignal): Promise<void> {
  const answer = await send('GET', '/api/overview', {}, signal);
  if (answer.status !== 401 || answer.realm === null || !answer.realm.includes('RabbitMQ'))
    throw new Error('what answers there is no RabbitMQ management');
}

async function readAnswer(answer: IncomingMessage): Promise<Answer> {
  const parts: Buffer[] = [];
  let size = 0;
  for await (const part of answer) {
    if (!Buffer.isBuffer(part)) continue;
    size += part.length;
    if (size > longestAnswer) {
      answer.destroy();
      throw new Error(`an answer of more than ${String(longestAnswer)} bytes`);
    }
    parts.push(part);
  }
  return {
    status: answer.statusCode ?? 0,
    realm: answer.headers['www-authenticate'] ?? null,
    body: Buffer.concat(parts).toString('utf8'),
  };
}

/** `: reason` of an error's body, shortened; empty where it has none. */
function brokerWords(body: string): string {
  let reason: string | null = null;
  try {
    const parsed: unknown = JSON.parse(body);
    reason = textOf(objectOf(parsed)['reason']) ?? textOf(objectOf(parsed)['error']);
  } catch {
    // Not JSON: a proxy's page.
  }
  if (reason === null) return '';
  return `: ${reason.replace(/\p{Cc}+/gu, ' ').slice(0, 200)}`;
}

function abortReason(signal: AbortSignal): Error {
  return signal.reason instanceof Error ? signal.reason : new Error('aborted');
}
