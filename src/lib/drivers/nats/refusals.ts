/**
 * What the server refused to publish: it says so beside, not as an answer to the message (`-ERR 'Permissions Violation …'`),
 * and before the answer to a later PING.
 */
import { setImmediate } from 'node:timers/promises';
import { errors } from '@nats-io/transport-node';
import type { NatsConnection } from '@nats-io/transport-node';
import type { Outcome } from '../driver.ts';
import { plain } from './failures.ts';

export class Refusals {
  readonly #refused = new Set<string>();
  readonly #statuses: AsyncIterable<{ readonly type: string; readonly error?: Error }>;
  #stopped = false;
  #told: (subject: string) => void = () => undefined;

  constructor(connection: NatsConnection) {
    this.#statuses = connection.status();
    void this.#watch();
  }

  /** Called with each subject that is refused from now on. */
  onRefused(tell: (subject: string) => void): void {
    this.#told = tell;
  }

  /** After a flush: those that went to a subject which is refused were rejected. */
  async applied(outcomes: readonly Outcome[], subjects: readonly string[]): Promise<readonly Outcome[]> {
    await setImmediate();
    return outcomes.map((outcome, at) =>
      outcome.status === 'accepted' && this.#refused.has(subjects[at] ?? '')
        ? { status: 'rejected', reason: notAllowed(subjects[at] ?? ''), retriable: false }
        : outcome,
    );
  }

  stop(): void {
    this.#stopped = true;
  }

  async #watch(): Promise<void> {
    for await (const { error } of this.#statuses) {
      if (this.#stopped) return;
      if (!(error instanceof errors.PermissionViolationError) || error.operation !== 'publish') continue;
      this.#refused.add(error.subject);
      this.#told(error.subject);
    }
  }
}

/** Why it was not sent, for a subject that the server refused. */
export function notAllowed(subject: string): string {
  return `this login may not publish to "${plain(subject)}"`;
}
