/**
 * Every way a command can end, in one table: the exit status, the help and the man page print this one.
 *
 * Errors say what happened, to which thing, and what to do next. They never hold a secret: a driver builds its texts
 * from names and the broker's words, not from the connection's settings.
 */

export const exitCodes = {
  done: { code: 0, meaning: 'done, or the answer is "fine"' },
  failed: { code: 1, meaning: 'it failed' },
  usage: { code: 2, meaning: 'wrong usage, invalid input or configuration' },
  answerIsNo: {
    code: 3,
    meaning: 'the answer is "no": threshold breached, incompatible, check failed, dead letters waiting',
  },
  unreachable: { code: 4, meaning: 'could not reach or log in' },
  unsupported: { code: 5, meaning: 'this system has not got that verb' },
  partial: { code: 6, meaning: 'done in part: the report says which part' },
  interrupted: { code: 130, meaning: 'interrupted (Ctrl-C), after finishing what was in flight' },
  terminated: { code: 143, meaning: 'terminated (SIGTERM), after finishing what was in flight' },
} as const;

export interface ErrorDetails {
  /** What to do next, one sentence, without a full stop. */
  readonly hint?: string;
  /** The same call may go through later. */
  readonly retriable?: boolean;
  readonly cause?: unknown;
}

/** The base of all errors that a user is meant to read. `code` is stable and printed with `-o json`. */
export class MqctlError extends Error {
  readonly code: string;
  readonly exit: number;
  readonly hint: string | undefined;
  readonly retriable: boolean;

  constructor(code: string, exit: number, message: string, details: ErrorDetails = {}) {
    super(message, details.cause === undefined ? undefined : { cause: details.cause });
    this.name = new.target.name;
    this.code = code;
    this.exit = exit;
    this.hint = details.hint;
    this.retriable = details.retriable ?? false;
  }
}

/** It failed: exit 1. */
export class FailedError extends MqctlError {
  constructor(message: string, details?: ErrorDetails & { readonly code?: string }) {
    super(details?.code ?? 'FAILED', exitCodes.failed.code, message, details);
  }
}

/** An unknown channel, group, context, job: exit 1. `name` is looked up for a "did you mean". */
export class NotFoundError extends MqctlError {
  readonly kind: string;
  readonly missing: string;

  constructor(kind: string, missing: string, where: string, details?: ErrorDetails) {
    super('NOT_FOUND', exitCodes.failed.code, `no ${kind} "${missing}" at ${where}`, details);
    this.kind = kind;
    this.missing = missing;
  }
}

/** The login is known but may not do this: exit 1. */
export class DeniedError extends MqctlError {
  constructor(message: string, details?: ErrorDetails) {
    super('DENIED', exitCodes.failed.code, message, details);
  }
}

/** Wrong usage, invalid input or configuration: exit 2. */
export class UsageError extends MqctlError {
  constructor(message: string, details?: ErrorDetails) {
    super('USAGE', exitCodes.usage.code, message, details);
  }
}

/** The answer is "no": exit 3. */
export class AnswerIsNoError extends MqctlError {
  constructor(message: string, details?: ErrorDetails) {
    super('ANSWER_IS_NO', exitCodes.answerIsNo.code, message, details);
  }
}

/** Could not reach the system, or it refused the login: exit 4. */
export class UnreachableError extends MqctlError {
  constructor(message: string, details?: ErrorDetails) {
    super('UNREACHABLE', exitCodes.unreachable.code, message, details);
  }
}

/** This system has not got that verb: exit 5. */
export class UnsupportedError extends MqctlError {
  constructor(message: string, details?: ErrorDetails) {
    super('UNSUPPORTED', exitCodes.unsupported.code, message, details);
  }
}

/** Done in part: exit 6. The message says how much; the report says which. */
export class PartialError extends MqctlError {
  constructor(message: string, details?: ErrorDetails) {
    super('PARTIAL', exitCodes.partial.code, message, details);
  }
}

/** Ended by a signal, after finishing what was in flight: exit 130 or 143. */
export class InterruptedError extends MqctlError {
  constructor(signal: 'SIGINT' | 'SIGTERM', details?: ErrorDetails) {
    const end = signal === 'SIGINT' ? exitCodes.interrupted : exitCodes.terminated;
    super('INTERRUPTED', end.code, signal === 'SIGINT' ? 'interrupted' : 'terminated', details);
  }
}

/** Whether the same call may go through later. What could not be reached says nothing of what was to be done there. */
export function mayPassLater(thrown: unknown): boolean {
  return thrown instanceof UnreachableError || (thrown instanceof MqctlError && thrown.retriable);
}

/** The text of anything that was thrown. */
export function errorText(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
