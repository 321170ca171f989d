import { certificateFailure } from '../../certificate-failure.ts';
import { DeniedError, errorText, FailedError, NotFoundError, UnreachableError } from '../../errors.ts';
import type { MqctlError } from '../../errors.ts';
import { errorCodes, errorName, isRetriable } from './protocol/error-codes.ts';
import type { MalformedError } from './protocol/primitives.ts';

/** What a request was about, for the sentence of an error. */
export interface Subject {
  /** What was done: `read topic`, `commit`. */
  readonly doing: string;
  readonly kind: 'topic' | 'group' | 'transaction' | 'cluster';
  readonly name: string;
  /** The target of the session, for people. */
  readonly where: string;
}

/** The error of `errors.ts` for an error code of the protocol; `words` are the broker's own, where it sent some. */
export function protocolFailure(code: number, subject: Subject, words: string | null = null): MqctlError {
  const cause = `${errorName(code)}${words === null || words === '' ? '' : `: ${words}`}`;
  const what = `${subject.doing} ${subject.kind === 'cluster' ? '' : `${subject.kind} `}"${subject.name}"`;
  switch (code) {
    case errorCodes.UNKNOWN_TOPIC_OR_PARTITION:
    case errorCodes.UNKNOWN_TOPIC_ID:
      return new NotFoundError('topic', subject.name, subject.where);
    case errorCodes.GROUP_ID_NOT_FOUND:
      return new NotFoundError('group', subject.name, subject.where);
    case errorCodes.TOPIC_AUTHORIZATION_FAILED:
    case errorCodes.GROUP_AUTHORIZATION_FAILED:
    case errorCodes.CLUSTER_AUTHORIZATION_FAILED:
    case errorCodes.TRANSACTIONAL_ID_AUTHORIZATION_FAILED:
    case errorCodes.DELEGATION_TOKEN_AUTHORIZATION_FAILED:
      return new DeniedError(`not allowed to ${what}: ${cause}`, {
        hint: 'ask for the ACL, or use a login that has it',
      });
    default:
      return new FailedError(`could not ${what}: ${cause}`, { retriable: isRetriable(code) });
  }
}

/** The error for a connection that could not be made or was lost. `tls`: whether we speak TLS on it. */
export function connectionFailure(thrown: unknown, address: string, tls: boolean): MqctlError {
  const { code, name, text } = factsOf(thrown);
  const words = text.replace(/^(Connection error|Failed to connect): /, '');
  const unreachable = (message: string, hint: string, retriable = false): UnreachableError =>
    new UnreachableError(message, { hint, retriable, cause: thrown });

  if (
    name === 'KafkaJSSASLAuthenticationError' ||
    code === 'SASL_AUTHENTICATION_FAILED' ||
    code === String(errorCodes.SASL_AUTHENTICATION_FAILED)
  ) {
    const reason = words.replace(/^SASL .*? authentication failed: /, '');
    return unreachable(
      `${address} refused the login: ${reason}`,
      'check user, password or token, and the SASL mechanism',
    );
  }
  if (code === 'UNSUPPORTED_SASL_MECHANISM' || code === String(errorCodes.UNSUPPORTED_SASL_MECHANISM)) {
    return unreachable(
      `${address} does not offer this SASL mechanism`,
      'ask which mechanisms the listener has, and set "sasl.mechanism"',
    );
  }
  if (code === 'ILLEGAL_SASL_STATE' || code === String(errorCodes.ILLEGAL_SASL_STATE)) {
    return unreachable(
      `${address} expects no login on this listener`,
      'leave user and password out, or use the port of the SASL listener',
    );
  }
  const certificate = certificateFailure(code, address, words);
  if (certificate !== null) return unreachable(certificate.message, certificate.hint);
  if (code === 'ECONNREFUSED') {
    return unreachable(
      `nothing listens at ${address}: connection refused`,
      'check host and port, and that the broker runs',
    );
  }
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN') {
    return unreachable(
      `the host of ${address} is not known`,
      'check its spelling; behind a tunnel, map the advertised address with "addressMap"',
    );
  }
  if (
    name === 'TimeoutError' ||
    name === 'KafkaJSRequestTimeoutError' ||
    code === 'ETIMEDOUT' ||
    /timeout|timed out/i.test(text)
  ) {
    return unreachable(
      `${address} did not answer in time`,
      'check that it can be reached from here, or raise --timeout',
      true,
    );
  }
  if (
    /before secure TLS connection was established/.test(text) ||
    /wrong version number|packet length too long/i.test(text)
  ) {
    return unreachable(
      `${address} does not speak TLS`,
      'use kafka:// for a plaintext listener, or the port of the TLS one',
    );
  }
  if (name === 'KafkaJSConnectionClosedError' || code === 'ECONNRESET' || code === 'EPIPE') {
    return unreachable(
      `${address} closed the connection`,
      tls
        ? 'check that the listener wants no login or client certificate'
        : 'check that the listener wants no TLS (kafkas://) and no login',
      true,
    );
  }
  return unreachable(`could not talk to ${address}: ${words}`, 'see --debug for the exchange', true);
}

/** The error for a response that could not be read. */
export function responseFailure(thrown: MalformedError, request: string, address: string): FailedError {
  return new FailedError(`the response of ${address} to ${request} cannot be read: ${thrown.message}`, {
    hint: 'check that the address is a Kafka listener',
    cause: thrown,
  });
}

function factsOf(thrown: unknown): { code: string; name: string; text: string } {
  const text = plainWords(errorText(thrown));
  if (!(thrown instanceof Error)) return { code: '', name: '', text };
  const type = 'type' in thrown && typeof thrown.type === 'string' ? thrown.type : null;
  const code = 'code' in thrown ? String(thrown.code) : '';
  return { code: type ?? code, name: thrown.name, text };
}

/** One line; of OpenSSL's `402D:error:0A00:SSL routines:ssl3_read_bytes:alert bad certificate:rec.c:918:…` what it means. */
function plainWords(text: string): string {
  const openssl = /(?<![0-9A-F])[0-9A-F]+:error:[0-9A-F]+:[^:]*:[^:]*:([^:]+):/.exec(text)?.[1];
  return (openssl ?? text).replace(/\s+/g, ' ').trim();
}
