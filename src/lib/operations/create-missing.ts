import type { Declaration, Driver } from '../drivers/driver.ts';
import { NotFoundError, UnsupportedError } from '../errors.ts';

/**
 * Creates a channel, as the system does it by default, where it is not there; whether it was created. Throws
 * `UnsupportedError` where the system has no channels that can be created.
 */
export async function createMissing(
  driver: Driver,
  { system }: Declaration,
  channel: string,
  signal: AbortSignal,
): Promise<boolean> {
  if (driver.admin === undefined) throw new UnsupportedError(`${system} has not got "produce --create"`);
  try {
    await driver.describe(channel, signal);
    return false;
  } catch (error) {
    if (!(error instanceof NotFoundError)) throw error;
    await driver.admin.create(
      { channel, type: null, partitions: null, settings: {}, deadLetter: null },
      signal,
    );
    return true;
  }
}
