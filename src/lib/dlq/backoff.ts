import { UsageError } from '../errors.ts';
import { parseDuration } from '../input/duration.ts';

/** How long to wait between two attempts, milliseconds. */
export interface Backoff {
  /** The most before the second attempt; doubled before each further one. */
  readonly firstMs: number;
  /** Never more. */
  readonly mostMs: number;
}

/** The most where only the first one is said. */
const usualMostMs = 30_000;

/** `1s` or `1s..5m`. Throws `UsageError`. */
export function parseBackoff(text: string): Backoff {
  const [first = '', most, ...more] = text.split('..');
  if (more.length > 0)
    throw new UsageError(`${JSON.stringify(text)} is no backoff`, { hint: 'write it as 1s or 1s..5m' });
  const firstMs = parseDuration(first);
  const mostMs = most === undefined ? Math.max(firstMs, usualMostMs) : parseDuration(most);
  if (mostMs < firstMs)
    throw new UsageError(`${JSON.stringify(text)} is no backoff: the most is less than the first`);
  return { firstMs, mostMs };
}

/**
 * Milliseconds to wait after that many failed attempts: exponential with full jitter, anything from nothing to the
 * doubled bound, so that consumers that failed together do not come back together. `random` is from 0 to before 1.
 */
export function backoffMs({ firstMs, mostMs }: Backoff, failed: number, random: number): number {
  return Math.min(mostMs, firstMs * 2 ** (failed - 1)) * random;
}
