/** What AWS answered, or did not, as the errors that users read. Never with a secret. */
import {
  DeniedError,
  FailedError,
  MqctlError,
  NotFoundError,
  UnreachableError,
  UsageError,
  errorText,
} from '../../errors.ts';

/** Of whom it is told. */
export interface Service {
  /** `Amazon SQS`. */
  readonly name: string;
  /** `sqs://eu-west-1`, as users see it. */
  readonly target: string;
  /** Where an endpoint of its own was said, as `shownEndpoint` gives it. */
  readonly endpoint: string | null;
}

/** What a call was about, so that "not there" can name it. */
export interface About {
  /** `queue`, `topic`, `stream`. */
  readonly kind: string;
  readonly name: string;
}

/** Names of errors that say that the thing itself is not there. */
const missing = new Set([
  'QueueDoesNotExist',
  'AWS.SimpleQueueService.NonExistentQueue',
  'NotFound',
  'NotFoundException',
  'ResourceNotFoundException',
]);

const throttled = new Set([
  'Throttling',
  'ThrottlingException',
  'ThrottledException',
  'Throttled',
  'RequestThrottled',
  'RequestThrottledException',
  'RequestLimitExceeded',
  'TooManyRequestsException',
  'ProvisionedThroughputExceededException',
  'BandwidthLimitExceeded',
  'SlowDown',
  'KMSThrottling',
  'KMSThrottlingException',
  'KmsThrottled',
]);

const denied = new Set([
  'AccessDenied',
  'AccessDeniedException',
  'AuthorizationError',
  'AuthorizationErrorException',
  'KMSAccessDenied',
  'KMSAccessDeniedException',
  'KmsAccessDenied',
  'NotAuthorized',
]);

const expired = new Set(['ExpiredToken', 'ExpiredTokenException', 'TokenRefreshRequired']);

const refusedLogin = new Set([
  'InvalidClientTokenId',
  'UnrecognizedClientException',
  'InvalidAccessKeyId',
  'InvalidSecurity',
  'SignatureDoesNotMatch',
  'InvalidSignatureException',
  'InvalidSignature',
  'IncompleteSignature',
  'IncompleteSignatureException',
  'MissingAuthenticationToken',
  'MissingAuthenticationTokenException',
  'AuthFailure',
  'OptInRequired',
]);

const noCredentials = new Set(['CredentialsProviderError', 'TokenProviderError']);

/** The error's own name, and its older one beside it (AWS's query protocol had others). */
export function awsErrorNames(thrown: unknown): readonly string[] {
  if (!(thrown instanceof Error)) return [];
  const code = 'Code' in thrown && typeof thrown.Code === 'string' ? [thrown.Code] : [];
  return [thrown.name, ...code].map((name) => name.replace(/^.*#/, ''));
}

/** Whether AWS asked for fewer requests: by the error's name, or by the HTTP status 429. */
export function isThrottled(thrown: unknown): boolean {
  return awsErrorNames(thrown).some((name) => throttled.has(name)) || httpStatus(thrown) === 429;
}

/**
 * Whether AWS refused a request and so did nothing: an answer that it made itself, and not a failure of its own (5xx),
 * after which nobody knows.
 */
export function wasRefused(thrown: unknown): boolean {
  const status = httpStatus(thrown);
  return (status !== null && status >= 400 && status < 500 && isAwsAnswer(thrown)) || isThrottled(thrown);
}

/** Whether a request surely never left: nobody was there, or it could not be signed. */
export function wasNotSent(thrown: unknown): boolean {
  if (awsErrorNames(thrown).some((name) => noCredentials.has(name))) return true;
  const { code } = networkError(thrown);
  return code === 'ECONNREFUSED' || code === 'ENOTFOUND' || code === 'EAI_AGAIN';
}

/** AWS's words, without control characters, cut. */
export function awsWords(thrown: unknown): string {
  const text = errorText(thrown);
  const clientsOwn = text.indexOf('Deserialization error: ');
  return (clientsOwn === -1 ? text : text.slice(0, clientsOwn))
    .replace(/\p{Cc}+/gu, ' ')
    .trim()
    .slice(0, 300);
}

/** Never an error that is one of ours already: that is given back as it is. */
export function awsFailure(thrown: unknown, service: Service, about: About | null): unknown {
  if (thrown instanceof MqctlError) return thrown;
  const names = awsErrorNames(thrown);
  const is = (known: ReadonlySet<string>): boolean => names.some((name) => known.has(name));
  const at = `${service.name} at ${service.target}`;
  const words = awsWords(thrown);
  const details = { cause: thrown };

  if (about !== null && is(missing))
    return new NotFoundError(about.kind, about.name, service.target, {
      ...details,
      hint: 'is it of another region or account? the region stands in the address, the account is that of the credentials',
    });
  if (isThrottled(thrown))
    return new FailedError(`${at} throttles: ${words}`, {
      ...details,
      code: 'THROTTLED',
      hint: 'it was asked again without success: wait a moment, or lower --rate',
      retriable: true,
    });
  if (is(noCredentials) || /could not load credentials|token is expired/i.test(words))
    return new UnreachableError(`no credentials for ${at}: ${words}`, {
      ...details,
      hint: 'set AWS_PROFILE or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY, or log in again with "aws sso login"',
    });
  if (is(expired))
    return new UnreachableError(`the credentials for ${at} have expired: ${words}`, {
      ...details,
      hint: 'log in again ("aws sso login", or a new session token), and run it once more',
    });
  if (/scoped to a valid region|not a valid region/i.test(words))
    return new UnreachableError(`${at} is not of the region that was signed for: ${words}`, {
      ...details,
      hint: 'write the region of the endpoint in the address',
    });
  if (is(refusedLogin))
    return new UnreachableError(`${at} refused the credentials: ${words}`, {
      ...details,
      hint: 'check the access key, its secret, and the clock of this machine',
    });
  if (is(denied))
    return new DeniedError(`${at} denies this to these credentials: ${words}`, {
      ...details,
      hint: 'the policy of the user, the role or the resource has to allow it',
    });
  if (/region is missing/i.test(words))
    return new UsageError(`no region is said for ${service.name}`, {
      ...details,
      hint: `write it in the address (${service.target.replace(/:.*$/s, '')}://eu-west-1), or set AWS_REGION or a profile`,
    });
  return unanswered(thrown, service) ?? otherAnswer(thrown, service, about, words);
}

/** What comes from the network itself, or from something that is not AWS; null for an answer of AWS's. */
function unanswered(thrown: unknown, service: Service): UnreachableError | null {
  const at = service.endpoint ?? service.target;
  const status = httpStatus(thrown);
  if (status !== null) {
    if (isAwsAnswer(thrown)) return null;
    return new UnreachableError(
      `what answers at ${at} is not ${service.name}: ${bodyKind(thrown)} (HTTP ${String(status)})`,
      {
        cause: thrown,
        hint: 'check the endpoint: its port, and whether a proxy or login page stands before it',
        retriable: status >= 500,
      },
    );
  }
  const { code, host } = networkError(thrown);
  if (code === 'ENOTFOUND' || code === 'EAI_AGAIN')
    return new UnreachableError(`cannot reach ${service.name} at ${at}: no such host ${host ?? ''}`.trim(), {
      cause: thrown,
      hint:
        service.endpoint === null
          ? 'is that a region of AWS, and is this machine on the network?'
          : 'check the host of the endpoint',
    });
  if (code === null && !(thrown instanceof Error && thrown.name === 'TimeoutError')) return null;
  return new UnreachableError(
    `cannot reach ${service.name} at ${at}: ${systemWords[code ?? ''] ?? awsWords(thrown)}`,
    { cause: thrown, hint: 'check host and port of the endpoint, and that it runs', retriable: true },
  );
}

function otherAnswer(thrown: unknown, service: Service, about: About | null, words: string): unknown {
  const status = httpStatus(thrown);
  if (status === null) return thrown;
  const subject = about === null ? service.name : `${about.kind} "${about.name}" at ${service.target}`;
  return new FailedError(`${subject}: ${words}`, { cause: thrown, retriable: status >= 500 });
}

const systemWords: Readonly<Record<string, string>> = {
  ECONNREFUSED: 'connection refused',
  EHOSTUNREACH: 'no route to the host',
  ENETUNREACH: 'no route to the network',
  ETIMEDOUT: 'no answer',
  ECONNRESET: 'the connection was closed',
  EPIPE: 'the connection was closed',
};

function networkError(thrown: unknown): { readonly code: string | null; readonly host: string | null } {
  for (let error = thrown; error instanceof Error; error = error.cause) {
    const inner: unknown = error instanceof AggregateError ? (error.errors.at(-1) ?? error) : error;
    if (!(inner instanceof Error) || !('code' in inner) || typeof inner.code !== 'string') continue;
    return {
      code: inner.code,
      host: 'hostname' in inner && typeof inner.hostname === 'string' ? inner.hostname : null,
    };
  }
  return { code: null, host: null };
}

function httpStatus(thrown: unknown): number | null {
  if (typeof thrown !== 'object' || thrown === null) return null;
  const metadata = '$metadata' in thrown ? thrown.$metadata : null;
  if (typeof metadata === 'object' && metadata !== null && 'httpStatusCode' in metadata)
    return typeof metadata.httpStatusCode === 'number' ? metadata.httpStatusCode : null;
  const response = responseOf(thrown);
  return response === null ? null : response.statusCode;
}

/** What AWS's client could read as an answer of the service: an error of that has a fault. */
function isAwsAnswer(thrown: unknown): boolean {
  return thrown instanceof Error && '$fault' in thrown && !(thrown instanceof SyntaxError) && !isHtml(thrown);
}

function isHtml(thrown: unknown): boolean {
  const response = responseOf(thrown);
  return response !== null && /html/i.test(response.contentType);
}

function bodyKind(thrown: unknown): string {
  const type = responseOf(thrown)?.contentType ?? '';
  if (/html/i.test(type)) return 'it answers HTML';
  return type === '' ? 'its answer cannot be read' : `it answers ${type.replace(/[^\w/+.-].*$/s, '')}`;
}

function responseOf(thrown: unknown): { readonly statusCode: number; readonly contentType: string } | null {
  if (typeof thrown !== 'object' || thrown === null || !('$response' in thrown)) return null;
  const response = thrown.$response;
  if (typeof response !== 'object' || response === null || !('statusCode' in response)) return null;
  if (typeof response.statusCode !== 'number') return null;
  const headers: unknown = 'headers' in response ? response.headers : null;
  const fields: [string, unknown][] =
    typeof headers === 'object' && headers !== null ? Object.entries(headers) : [];
  const type = fields.find(([name]) => name.toLowerCase() === 'content-type')?.[1];
  return { statusCode: response.statusCode, contentType: typeof type === 'string' ? type : '' };
}
