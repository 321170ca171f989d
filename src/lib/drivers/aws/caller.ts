/** One call to a service of AWS: within a time, abortable, and its failure in our words. */
import { UnreachableError } from '../../errors.ts';
import { awsFailure } from './failures.ts';
import type { About, Service } from './failures.ts';

export interface CallOptions {
  readonly abortSignal: AbortSignal;
}

export interface CallTerms {
  /** What it is about. */
  readonly about?: About;
  /** How long the service itself may wait before it answers (a long poll), in milliseconds. */
  readonly waitMs?: number;
}

export class AwsCaller {
  readonly service: Service;
  readonly #timeoutMs: number;

  constructor(service: Service, timeoutMs: number) {
    this.service = service;
    this.#timeoutMs = timeoutMs;
  }

  /** Throws the errors of `failures.ts`, `UnreachableError` where no answer came in time, or the signal's reason. */
  async call<Answer>(
    send: (options: CallOptions) => Promise<Answer>,
    signal: AbortSignal,
    terms: CallTerms = {},
  ): Promise<Answer> {
    try {
      return await this.attempt(send, signal, terms);
    } catch (error) {
      throw awsFailure(error, this.service, terms.about ?? null);
    }
  }

  /** As `call`, with what AWS answered as it is: for those that read it themselves. */
  async attempt<Answer>(
    send: (options: CallOptions) => Promise<Answer>,
    signal: AbortSignal,
    { waitMs = 0 }: CallTerms = {},
  ): Promise<Answer> {
    signal.throwIfAborted();
    const late = AbortSignal.timeout(this.#timeoutMs + waitMs);
    try {
      return await send({ abortSignal: AbortSignal.any([signal, late]) });
    } catch (error) {
      signal.throwIfAborted();
      if (!late.aborted) throw error;
      const { name, target, endpoint } = this.service;
      throw new UnreachableError(
        `no answer from ${name} at ${endpoint ?? target} within ${String(this.#timeoutMs)} ms`,
        {
          hint: 'check the endpoint and firewalls, or raise --timeout',
          retriable: true,
          cause: error,
        },
      );
    }
  }
}
