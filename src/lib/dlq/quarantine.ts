import type { Driver } from '../drivers/driver.ts';
import { NotFoundError } from '../errors.ts';
import { shellLine } from '../shell-line.ts';

/**
 * Where messages are put aside: the channel that was asked for, else the one named after the dead letters, if it is there.
 * null: there is none, and none is made. Throws `NotFoundError` for one that was asked for.
 */
export async function quarantineOf(
  driver: Driver,
  deadLetters: string,
  asked: string | null,
  signal: AbortSignal,
): Promise<string | null> {
  const channel = asked ?? `${deadLetters}.quarantine`;
  try {
    await driver.describe(channel, signal);
    return channel;
  } catch (error) {
    if (!(error instanceof NotFoundError)) throw error;
    if (asked === null) return null;
    throw new NotFoundError('channel', channel, driver.target, {
      hint: shellLine`it is where what is put aside would go: mqctl create ${channel}`,
      cause: error,
    });
  }
}
