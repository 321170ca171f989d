/**
 * HTTP to a registry: JSON in and out, logged in, with a time-out, tried again where that may help.
 *
 * `node:http` and not `fetch`, because `fetch` takes neither an own certificate authority nor a client certificate.
 */
import { request as httpRequest, type IncomingMessage } from 'node:http';
import { request as httpsRequest } from 'node:https';
import { setTimeout as sleep } from 'node:timers/promises';
import { DeniedError, FailedError, UnreachableError, UsageError, errorText } from '../../errors.ts';
import type { RegistryOptions, RegistrySettings } from './settings.ts';

type HttpOptions = Pick<RegistryOptions, 'timeoutMs' | 'log'>;

export interface HttpAnswer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly text: string;
}

const attempts = 3;
const firstPauseMs = 200;
const longestPauseMs = 5_000;
const longestAnswer = 64 * 1024 * 1024;

export class RegistryHttp {
  /** For people, without a login. */
  readonly address: string;
  readonly #base: URL;
  readonly #settings: RegistrySettings;
  readonly #options: HttpOptions;

  /** Throws `UsageError` for an address that is none. */
  constructor(settings: RegistrySettings, options: HttpOptions) {
    if (!URL.canParse(settings.url) || !/^https?:/.test(settings.url))
      throw new UsageError(`"${settings.url}" is no address of a registry`, {
        hint: 'write it as http://host:8081 or https://host',
      });
    this.#base = new URL(settings.url);
    this.address = this.#base.href.replace(/\/$/, '');
    this.#settings = settings;
    this.#options = options;
  }

  /**
   * `path` begins with a slash and is encoded. Throws `UnreachableError`, also for a refused login, `DeniedError`, and
   * `FailedError` for an answer of the registry that is its own fault. Every other status is an answer.
   */
  async ask(
    method: 'GET' | 'POST' | 'PUT',
    path: string,
    body: unknown,
    signal: AbortSignal,
  ): Promise<HttpAnswer> {
    for (let attempt = 1; ; attempt += 1) {
      const answer = await this.#send(method, path, body, signal);
      this.#options.log(`registry: ${method} ${path}: ${answer.status.toString()}`);
      const passing = answer.status === 429 || answer.status >= 500;
      if (!passing) return this.#accepted(answer);
      if (attempt === attempts) this.#giveUp(answer);
      const pause = pauseMs(answer, attempt);
      this.#options.log(`registry: tries again in ${pause.toString()} ms`);
      await sleep(pause, undefined, { signal });
    }
  }

  /** What stands before a registry says by these that nobody is behind it. */
  #giveUp(answer: HttpAnswer): never {
    const { status } = answer;
    const said = `the registry at ${this.address} answered ${status.toString()} ${attempts.toString()} times: ${wordsOf(answer)}`;
    if ([502, 503, 504].includes(status)) throw new UnreachableError(said, { retriable: true });
    throw new FailedError(said, { code: 'REGISTRY', retriable: true });
  }

  #accepted(answer: HttpAnswer): HttpAnswer {
    if (answer.status === 401)
      throw new UnreachableError(`the registry at ${this.address} refused the login`, {
        hint: 'set username and password, or token, under registry in the context',
      });
    if (answer.status === 403)
      throw new DeniedError(`the registry at ${this.address} does not allow this: ${wordsOf(answer)}`);
    return answer;
  }

  async #send(method: string, path: string, body: unknown, signal: AbortSignal): Promise<HttpAnswer> {
    const timeout = AbortSignal.timeout(this.#options.timeoutMs);
    const { tls } = this.#settings;
    const secure = this.#base.protocol === 'https:';
    const text = body === undefined ? null : JSON.stringify(body);
    const options = {
      method,
      headers: {
        accept: 'application/vnd.schemaregistry.v1+json, application/json;q=0.9, */*;q=0.5',
        ...(text === null
          ? {}
          : { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }),
        ...authorization(this.#settings),
      },
      signal: AbortSignal.any([signal, timeout]),
    };
    const tlsOptions = {
      ca: tls?.ca ?? undefined,
      cert: tls?.certificate ?? undefined,
      key: tls?.key ?? undefined,
      passphrase: tls?.keyPassphrase ?? undefined,
      servername: tls?.serverName ?? undefined,
      rejectUnauthorized: tls?.insecure !== true,
    };
    const url = new URL(this.#base.pathname.replace(/\/$/, '') + path, this.#base);
    try {
      return await new Promise((resolve, reject) => {
        const answered = (answer: IncomingMessage): void => {
          readAnswer(answer).then(resolve, reject);
        };
        const sending = secure
          ? httpsRequest(url, { ...options, ...tlsOptions }, answered)
          : httpRequest(url, options, answered);
        sending.on('error', reject);
        sending.end(text ?? undefined);
      });
    } catch (error) {
      signal.throwIfAborted();
      const reason = timeout.aborted
        ? `no answer within ${this.#options.timeoutMs.toString()} ms`
        : errorText(error) || 'no connection';
      throw new UnreachableError(`could not reach the registry at ${this.address}: ${reason}`, {
        cause: error,
        retriable: true,
      });
    }
  }
}

function authorization({ username, password, token }: RegistrySettings): Record<string, string> {
  if (token !== null) return { authorization: `Bearer ${token}` };
  if (username === null) return {};
  const pair = Buffer.from(`${username}:${password ?? ''}`, 'utf8').toString('base64');
  return { authorization: `Basic ${pair}` };
}

/** What `Retry-After` says in seconds, else longer from attempt to attempt. */
function pauseMs({ headers }: HttpAnswer, attempt: number): number {
  const said = headers['retry-after'];
  const pause =
    typeof said === 'string' && /^\d+$/.test(said) ? Number(said) * 1_000 : firstPauseMs * 2 ** attempt;
  return Math.min(pause, longestPauseMs);
}

async function readAnswer(answer: IncomingMessage): Promise<HttpAnswer> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of answer as AsyncIterable<Uint8Array>) {
    length += chunk.length;
    if (length > longestAnswer) {
      answer.destroy();
      throw new Error('its answer is too long');
    }
    chunks.push(chunk);
  }
  return {
    status: answer.statusCode ?? 0,
    headers: answer.headers,
    text: Buffer.concat(chunks).toString('utf8'),
  };
}

/** Words are at the beginning of an answer. */
const longestWords = 16 * 1024;

/** The registry's own words, in short. */
export function wordsOf({ text, status }: HttpAnswer): string {
  const begin = text.slice(0, longestWords);
  const words = /"(?:message|detail|title)"\s*:\s*("(?:[^"\\]|\\.){0,4000}")/.exec(begin)?.[1];
  const said = (words === undefined ? null : jsonText(words)) ?? begin.trim();
  return (said === '' ? `status ${status.toString()}` : said).slice(0, 500);
}

/** null where it is no JSON after all. */
function jsonText(text: string): string | null {
  try {
    const parsed: unknown = JSON.parse(text);
    return typeof parsed === 'string' ? parsed : null;
  } catch {
    return null;
  }
}
