/** What went wrong with a connection or a channel, as the errors that users read. Never with a secret. */
import { certificateFailure } from '../../certificate-failure.ts';
import type { MqctlError } from '../../errors.ts';
import { NotFoundError, UnreachableError, errorText } from '../../errors.ts';
import { ConnectFailure } from './amqp-client.ts';
import type { ParsedAddress } from './address.ts';
import { codeOf, friendly, replyCode } from './amqp-queues.ts';

/** `NOT_ALLOWED`: a virtual host that is not there, or that this user may not use. */
const notAllowed = 530;

/** The error for a connection that could not be made. Anything else than a `ConnectFailure` is given back as it is. */
export function connectFailure(thrown: unknown, address: ParsedAddress, timeoutMs: number): unknown {
  if (!(thrown instanceof ConnectFailure)) return thrown;
  const at = `RabbitMQ at ${address.target}`;
  const failure = (message: string, hint: string, retriable = false): UnreachableError =>
    new UnreachableError(message, { hint, retriable, cause: thrown });
  const otherScheme =
    address.tls === null ? 'is it a TLS port? use amqps://' : 'is it a port without TLS? use amqp://';
  if (thrown.late) {
    const hint =
      thrown.stage === 'reach' ? 'check host, port and firewalls, or raise --timeout' : otherScheme;
    return failure(`no answer from ${at} within ${String(timeoutMs)} ms`, hint, true);
  }
  const { code, words } = systemError(thrown.cause);
  if (thrown.stage === 'reach') return failure(`cannot reach ${at}: ${words}`, reachHint(code), true);
  const certificate = certificateFailure(code, at, words);
  if (certificate !== null) return failure(certificate.message, certificate.hint);
  if (thrown.stage === 'tls') return failure(`no TLS with ${at}: ${words}`, otherScheme);
  return failure(...loginWords(at, thrown, address, otherScheme));
}

function systemError(cause: unknown): { readonly code: string; readonly words: string } {
  // Several addresses of one name were tried: the last says as much as any.
  const error: unknown = cause instanceof AggregateError ? (cause.errors.at(-1) ?? cause) : cause;
  const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
  // OpenSSL writes `…:error:0A00010B:SSL routines:FUNCTION:the reason:FILE:LINE:`.
  const openssl = /:SSL routines:[^:]*:([^:]+):/.exec(errorText(error))?.[1];
  return { code, words: systemWords[code] ?? openssl ?? plain(errorText(error)) };
}

const systemWords: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ENOTFOUND: 'no such host',
  EAI_AGAIN: 'the name cannot be looked up now',
  EHOSTUNREACH: 'no route to the host',
  ENETUNREACH: 'no route to the network',
  ETIMEDOUT: 'no answer',
  ECONNRESET: 'the connection was closed',
};

function reachHint(code: string): string {
  return code === 'ENOTFOUND' || code === 'EAI_AGAIN'
    ? 'check the host in the URL'
    : 'check host and port, and that the broker runs';
}

function loginWords(
  at: string,
  { cause, reason }: ConnectFailure,
  address: ParsedAddress,
  otherScheme: string,
): [message: string, hint: string, retriable?: boolean] {
  const user =
    address.login.mechanism === 'PLAIN' ? `user "${address.login.username}"` : 'the client certificate';
  if (reason?.code === replyCode.accessRefused)
    return [
      `${at} refused the login of ${user}`,
      'check username and password; guest may log in from localhost only',
    ];
  if (reason?.code === notAllowed)
    return [
      `${at} refused the virtual host "${address.vhost}": ${plain(reason.words)}`,
      `write the virtual host at the end of the URL, or give ${user} the permission`,
    ];
  if (reason !== null)
    return [`${at} closed the connection: ${plain(reason.words)}`, 'see the log of the broker'];
  const { words } = systemError(cause);
  if (/closed abruptly|connection was closed/.test(words))
    // A broker that is being stopped does so, too.
    return [`${at} closed the connection in the middle of the login`, otherScheme, true];
  return [`what answers at ${at} does not speak AMQP 0-9-1: ${words}`, otherScheme];
}

/** Without the code's name before them, and without control characters. */
function plain(words: string): string {
  return words
    .replace(/^[A-Z_]+ - /, '')
    .replace(/\p{Cc}+/gu, ' ')
    .slice(0, 300);
}

/** The error for a connection that was there and ended. */
export function lostConnection(target: string, cause: Error | null): UnreachableError {
  const words = cause === null ? '' : `: ${plain(serverWords(cause))}`;
  return new UnreachableError(`the connection to RabbitMQ at ${target} was lost${words}`, {
    retriable: true,
    ...(cause !== null && { cause }),
  });
}

/** The server's own words, from amqplib's sentence around them. */
export function serverWords(error: unknown): string {
  const text = errorText(error);
  return plain(/with message "(.*)"/s.exec(text)?.[1] ?? text);
}

/** What a channel answered, or was closed with, about a queue or an exchange. */
export function channelFailure(
  thrown: unknown,
  about: { readonly kind: 'queue' | 'exchange'; readonly name: string },
  target: string,
): MqctlError | Error {
  if (codeOf(thrown) === replyCode.notFound)
    return new NotFoundError(about.kind, about.name, target, { cause: thrown });
  return friendly(thrown, `${about.kind} "${about.name}"`);
}
