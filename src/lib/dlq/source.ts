import type { Declaration, Driver, Look, LookCost } from '../drivers/driver.ts';
import { UnsupportedError } from '../errors.ts';
import { ContentHash } from './content-hash.ts';

/** Where dead letters lie: a driver, and what its system declares. */
export interface DeadLetterSource {
  readonly driver: Driver;
  readonly declaration: Declaration;
}

/** Throws `UnsupportedError`: a driver that declares a facet has it, so this is for what a system never had. */
export function lookOf({ driver, declaration }: DeadLetterSource): Look {
  if (driver.look === undefined)
    throw new UnsupportedError(`${declaration.system} has no way to look at messages`);
  return driver.look;
}

/** Whether looking changes nothing at all, so that it may be done as often as is useful. */
export function isFree(cost: LookCost): boolean {
  return cost === 'free';
}

/** Over what is the message itself, without what this system changes of it. */
export function contentHashOf({ driver }: DeadLetterSource): ContentHash {
  return new ContentHash(driver.deadLetters ?? { volatileHeaders: [], volatileProperties: [] });
}
