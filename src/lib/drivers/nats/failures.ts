/** What went wrong with a connection or a request, as the errors that users read. Never with a secret. */
import { JetStreamApiError, JetStreamError } from '@nats-io/jetstream';
import { errors } from '@nats-io/transport-node';
import { certificateFailure } from '../../certificate-failure.ts';
import type { MqctlError } from '../../errors.ts';
import { DeniedError, FailedError, NotFoundError, UnreachableError, errorText } from '../../errors.ts';
import type { ParsedAddress } from './address.ts';

const systemWords: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  ENOTFOUND: 'no such host',
  EAI_AGAIN: 'the name cannot be looked up now',
  EHOSTUNREACH: 'no route to the host',
  ENETUNREACH: 'no route to the network',
  ECONNRESET: 'the connection was closed',
  ETIMEDOUT: 'no answer',
};

/** The error for a connection that could not be made. */
export function connectFailure(thrown: unknown, address: ParsedAddress, timeoutMs: number): MqctlError {
  const at = `NATS at ${address.target}`;
  const failure = (message: string, hint: string, retriable = false): UnreachableError =>
    new UnreachableError(message, { hint, retriable, cause: thrown });
  const chain = causes(thrown);
  const code = chain.map(codeOf).find((known) => known !== '') ?? '';
  const words = plain(systemWords[code] ?? (errorText(chain.at(-1)) || errorText(thrown)));
  const said = plain(errorText(thrown));

  if (chain.some((one) => one instanceof errors.AuthorizationError) || /authorization violation/i.test(said))
    return failure(
      `${at} refused ${address.loginWords}`,
      'check username and password, or settings.creds, settings.nkey, settings.token of the context',
    );
  if (chain.some((one) => one instanceof errors.UserAuthenticationExpiredError))
    return failure(`${at} refused ${address.loginWords}: it has expired`, 'get new credentials');
  const certificate = certificateFailure(code, at, words);
  if (certificate !== null) return failure(certificate.message, certificate.hint);
  if (/does not support 'tls'/.test(said))
    return failure(`${at} has no TLS`, 'write nats://, or turn TLS on at the server');
  if (code.startsWith('ERR_SSL') || /SSL routines/.test(said))
    return failure(
      `no TLS with ${at}: ${words}`,
      'is it a port of NATS? set settings.tlsFirst: "true" where the server begins with TLS',
    );
  if (chain.some((one) => one instanceof errors.TimeoutError))
    return failure(
      `no answer from ${at} within ${String(timeoutMs)} ms`,
      'check host, port and firewalls, or raise --timeout',
      true,
    );
  if (/unexpected response/.test(said))
    return failure(`what answers at ${at} does not speak NATS`, 'check the port: clients usually use 4222');
  if (/maximum .*connections exceeded/i.test(said))
    return failure(
      `${at} takes no more connections: ${said}`,
      'wait until others have gone, or raise the limit of the server or the account',
      true,
    );
  // With TLS 1.3 the server hangs up after the handshake.
  if (code === 'ECONNRESET' && address.lacksCertificate)
    return failure(
      `${at} closed the connection after the TLS handshake`,
      'does it want a client certificate? set tls.certificate and tls.key in the context',
    );
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN')
    return failure(`cannot reach ${at}: ${words}`, 'check the host in the URL', true);
  return failure(`cannot reach ${at}: ${words}`, 'check host and port, and that the server runs', true);
}

function causes(thrown: unknown): unknown[] {
  const chain: unknown[] = [];
  for (let one = thrown; one !== undefined && one !== null && chain.length < 5;) {
    const inner: unknown =
      one instanceof AggregateError ? one.errors.at(-1) : one instanceof Error ? one.cause : null;
    chain.push(one);
    one = inner;
  }
  return chain;
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : '';
}

/** The code of the error that JetStream does not answer. */
export const noJetStream = 'NO_JETSTREAM';

/** JetStream's own number of an error (`err_code`); null where it is another error. */
export function apiCode(error: unknown): number | null {
  return error instanceof JetStreamApiError ? error.code : null;
}

export const apiCodes = {
  consumerNotFound: 10014,
  noMessageFound: 10037,
  notEnabledForAccount: 10039,
  insufficientResources: 10023,
  streamNameInUse: 10058,
  streamNotFound: 10059,
  sequenceNotFound: 10043,
  wrongStream: 10060,
  messageTooLarge: 10054,
  storageFull: 10047,
  maximumMessages: 10077,
  consumerExists: 10148,
} as const;

/** What was asked about: `stream "ORDERS"`. Gives back what users read; its own errors as they are. */
export function friendly(thrown: unknown, about: string, target: string, timeoutMs: number): unknown {
  const code = apiCode(thrown);
  if (code === apiCodes.streamNotFound) return notFound('stream', about, target, thrown);
  if (code === apiCodes.consumerNotFound) return notFound('consumer', about, target, thrown);
  if (thrown instanceof Error && thrown.name === 'JetStreamNotEnabled')
    return new FailedError(`JetStream does not answer at ${target}`, {
      code: noJetStream,
      hint: 'turn it on for the server (jetstream {}) and for this account, or set settings.jetstreamDomain or jetstreamApiPrefix',
      cause: thrown,
    });
  if (thrown instanceof errors.PermissionViolationError)
    return new DeniedError(
      `this login may not ${thrown.operation === 'publish' ? 'ask or publish' : 'subscribe'} at "${plain(thrown.subject)}"`,
      {
        hint: `ask for that permission at ${target}`,
        cause: thrown,
      },
    );
  if (thrown instanceof errors.TimeoutError)
    return new UnreachableError(
      `no answer from NATS at ${target} within ${String(timeoutMs)} ms, about ${about}`,
      {
        hint: 'raise --timeout, or look at the server: mqctl status',
        retriable: true,
        cause: thrown,
      },
    );
  if (isConnectionLoss(thrown)) return lostConnection(target, thrown);
  if (thrown instanceof JetStreamApiError || thrown instanceof JetStreamError)
    return new FailedError(`${about} at ${target}: ${plain(thrown.message)}`, { cause: thrown });
  // JetStream answers in JSON.
  if (thrown instanceof SyntaxError)
    return new FailedError(`what NATS at ${target} answers about ${about} cannot be read`, { cause: thrown });
  return thrown;
}

function notFound(kind: string, about: string, target: string, cause: unknown): NotFoundError {
  const name = /"(.*)"/s.exec(about)?.[1] ?? about;
  return new NotFoundError(kind, name, target, { cause });
}

/** Whether there is no connection any more, rather than an answer that refuses. */
export function isConnectionLoss(thrown: unknown): boolean {
  return (
    thrown instanceof errors.ClosedConnectionError ||
    thrown instanceof errors.DrainingConnectionError ||
    thrown instanceof errors.ConnectionError
  );
}

/** The error for a connection that was there and ended; retriable. */
export function lostConnection(target: string, cause: unknown): UnreachableError {
  return new UnreachableError(`the connection to NATS at ${target} was lost`, { retriable: true, cause });
}

/** Without control characters, and short. */
export function plain(words: string): string {
  return words.replace(/\p{Cc}+/gu, ' ').slice(0, 300);
}
