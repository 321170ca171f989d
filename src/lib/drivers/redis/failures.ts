/** What went wrong with a connection or a command, as the errors that users read. Never with a secret. */
import { certificateFailure } from '../../certificate-failure.ts';
import {
  DeniedError,
  FailedError,
  MqctlError,
  NotFoundError,
  UnreachableError,
  errorText,
} from '../../errors.ts';
import type { ParsedAddress } from './address.ts';

const systemWords: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ENOTFOUND: 'no such host',
  EAI_AGAIN: 'the name cannot be looked up now',
  EHOSTUNREACH: 'no route to the host',
  ENETUNREACH: 'no route to the network',
  ETIMEDOUT: 'no answer',
  ECONNRESET: 'the connection was closed',
};

/** The first word of an error that the server sent; empty where it is not one. */
function codeOf(error: unknown): string {
  return /^([A-Z][A-Z0-9]+)(?= |$)/.exec(errorText(error))?.[1] ?? '';
}

/** The error for a connection that could not be made to `at`, `host:port`. */
export function connectFailure(
  error: unknown,
  at: string,
  { tls, username }: ParsedAddress,
  timeoutMs: number,
): UnreachableError {
  const failure = (message: string, hint: string, retriable = false): UnreachableError =>
    new UnreachableError(message, { hint, retriable, cause: error });
  const otherScheme =
    tls === null ? 'is it a TLS port? use rediss://' : 'is it a port without TLS? use redis://';
  const { code, words } = systemError(error);
  if (code in systemWords && code !== 'ECONNRESET')
    return failure(
      `cannot reach Redis at ${at}: ${words}`,
      code === 'ENOTFOUND' || code === 'EAI_AGAIN'
        ? 'check the host in the URL'
        : 'check host and port, and that the server runs',
      true,
    );
  const certificate = certificateFailure(code, at, words);
  if (certificate !== null) return failure(certificate.message, certificate.hint);
  const said = codeOf(error);
  if (said === 'WRONGPASS' || /invalid (username-password|password)/i.test(words))
    return failure(
      `Redis at ${at} refused the login of ${username === null ? 'the default user' : `user "${username}"`}`,
      'check username and password',
    );
  if (said === 'NOAUTH')
    return failure(
      `Redis at ${at} wants a login`,
      'write redis://USER:PASSWORD@HOST, or set username and password in the context',
    );
  if (/without any password configured/.test(words))
    return failure(
      `Redis at ${at} takes no password: its default user has none`,
      'leave the password out, or check which server this is',
    );
  if (said === 'LOADING') return failure(`Redis at ${at} is still loading its data`, 'try again', true);
  if (error instanceof UnreachableError || /Connection timeout/.test(words))
    return failure(
      `no answer from Redis at ${at} within ${String(timeoutMs)} ms`,
      `check host, port and firewalls, or raise --timeout; ${otherScheme}`,
      true,
    );
  if (code.startsWith('ERR_SSL') || code === 'EPROTO')
    return failure(`no TLS with ${at}: ${words}`, otherScheme);
  if (/closed unexpectedly|connection was closed/i.test(words))
    return failure(`${at} closed the connection before it said anything`, otherScheme);
  if (said !== '') return failure(`Redis at ${at} refused: ${words}`, 'see what the server says');
  return failure(`what answers at ${at} does not speak as Redis does: ${words}`, otherScheme);
}

function systemError(thrown: unknown): { readonly code: string; readonly words: string } {
  // Several addresses of one name were tried: the last says as much as any.
  const error: unknown = thrown instanceof AggregateError ? (thrown.errors.at(-1) ?? thrown) : thrown;
  const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
  // OpenSSL writes `…:error:0A00010B:SSL routines:FUNCTION:the reason:FILE:LINE:`.
  const openssl = /:SSL routines:[^:]*:([^:]+):/.exec(errorText(error))?.[1];
  return { code, words: systemWords[code] ?? openssl ?? plain(errorText(error)) };
}

/** Without control characters, and not longer than a line. */
function plain(words: string): string {
  return words.replace(/\p{Cc}+/gu, ' ').slice(0, 300);
}

/** The server's words without the code before them. */
function serverWords(error: unknown): string {
  return plain(errorText(error)).replace(/^(ERR|[A-Z]{3,}) /, '');
}

/** Words of a refusal that may be gone in a moment. */
const passing = new Set(['OOM', 'BUSY', 'MISCONF', 'NOREPLICAS', 'TRYAGAIN', 'LOADING', 'MASTERDOWN']);

/** Whether the server refused because of its state, not because of what was asked. */
function isPassing(error: unknown): boolean {
  return passing.has(codeOf(error)) || codeOf(error) === 'CLUSTERDOWN';
}

/** The error for a command that the server refused, about a stream or another thing. */
export function commandFailure(error: unknown, about: string, target: string): MqctlError {
  if (error instanceof MqctlError) return error;
  const words = serverWords(error);
  switch (codeOf(error)) {
    case 'NOPERM':
      return new DeniedError(`Redis at ${target} refused for ${about}: ${words}`, {
        hint: 'give this user the command and the key with ACL SETUSER; docs/systems/redis.md lists what each verb needs',
        cause: error,
      });
    case 'WRONGTYPE':
      return new FailedError(`${about} is no stream at ${target}: the key holds another type`, {
        code: 'NOT_A_STREAM',
        hint: 'see "mqctl ls" for what is one',
        cause: error,
      });
    case 'NOGROUP':
      return new NotFoundError('group', groupIn(words), `${about}, ${target}`, { cause: error });
    case 'NOAUTH':
    case 'WRONGPASS':
      return new UnreachableError(`Redis at ${target} does not take this login any more: ${words}`, {
        hint: 'check username and password',
        cause: error,
      });
    case 'READONLY':
      return new FailedError(`${target} is a replica: nothing can be changed there`, {
        hint: 'name the primary, or the sentinels with ?sentinel=NAME',
        cause: error,
      });
    case 'TRYAGAIN':
      return new FailedError(
        `Redis at ${target} could not do it for ${about} in time: its slot is being moved`,
        {
          retriable: true,
          hint: 'try again when it has moved; "mqctl status" shows who has which slots',
          cause: error,
        },
      );
    case 'CLUSTERDOWN':
    case 'LOADING':
    case 'MASTERDOWN':
      return new UnreachableError(`Redis at ${target} does not serve ${about} now: ${words}`, {
        hint: 'see "mqctl status"',
        retriable: true,
        cause: error,
      });
    default:
      return new FailedError(`Redis at ${target} refused for ${about}: ${words}`, {
        retriable: isPassing(error),
        cause: error,
      });
  }
}

/** Whether this login may use the command, but not on that key. */
export function isForbiddenKey(error: unknown): boolean {
  return error instanceof DeniedError && /permissions to access a key/i.test(error.message);
}

function groupIn(words: string): string {
  return /consumer group '([^']*)'/i.exec(words)?.[1] ?? '';
}

/** The error for a connection that was there and ended. The client's word for its own closing says nothing. */
export function lostConnection(target: string, error: unknown): UnreachableError {
  const { words } = systemError(error);
  const why = /disconnects client|client is closed/i.test(words)
    ? 'the server went away, or another command had no answer in time'
    : words;
  return new UnreachableError(`the connection to Redis at ${target} was lost: ${why}`, {
    hint: 'see "mqctl status"',
    retriable: true,
    cause: error,
  });
}

/** The error for an answer that did not come in time; retriable. */
export function noAnswer(target: string, timeoutMs: number): UnreachableError {
  return new UnreachableError(`no answer from Redis at ${target} within ${String(timeoutMs)} ms`, {
    hint: 'raise --timeout, or see whether a slow command blocks the server',
    retriable: true,
  });
}
