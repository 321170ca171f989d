import { createHash } from 'node:crypto';
import { join } from 'node:path';

import type { HeldLease } from '../drivers/driver.ts';
import { FailedError } from '../errors.ts';
import { ExclusiveLock } from '../store/exclusive-lock.ts';
import type { JobStore } from '../store/jobs.ts';
import { thisOperator } from '../store/operator.ts';
import type { DeadLetterSource } from './source.ts';

/**
 * One operator for each dead-letter channel: at the broker where that is possible, else on this machine. Throws
 * `FailedError` with code `HELD` that says who has it.
 */
export async function acquireLease(
  { driver }: DeadLetterSource,
  jobs: JobStore,
  channel: string,
  { takeOver }: { readonly takeOver: boolean },
  signal: AbortSignal,
): Promise<HeldLease> {
  const holder = { ...thisOperator(), since: Date.now() };
  if (driver.lease !== undefined) return driver.lease.acquire(channel, holder, takeOver, signal);
  const name = createHash('sha256')
    .update(JSON.stringify([driver.target, channel]))
    .digest('hex')
    .slice(0, 16);
  const note = `${holder.who} at ${holder.host} since ${new Date(holder.since).toISOString()}`;
  const lock = await ExclusiveLock.tryAcquire(join(jobs.leaseFolder, name), note);
  if (lock instanceof ExclusiveLock)
    return { lost: new AbortController().signal, release: async () => lock.release() };
  throw new FailedError(`the dead letters of "${channel}" are being worked on by ${lock.heldBy}`, {
    code: 'HELD',
    hint: 'wait for that run, or end its process: the lease ends with it',
  });
}
