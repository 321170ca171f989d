/**
 * How near a channel's messages are to the delivery limit, at which the broker drops them or moves them on. Looking, claiming,
 * a crash and a connection that breaks cost each message that is held a delivery.
 */
import { createHash } from 'node:crypto';
import { mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';

import type { Appraisal } from '../drivers/driver.ts';
import { UsageError } from '../errors.ts';
import { readJsonFile, writeJsonFile } from '../store/json-file.ts';
import { isFree } from './source.ts';

/** Deliveries that must be left for what nobody plans: a crash, a retry, a look. */
const leastMargin = 3;

type Limits = Pick<Appraisal, 'cost' | 'deliveryLimit'>;

/** Why `rounds` more deliveries of a message that had `count` of them would come too near the limit; null: they would not. */
export function belowMargin(
  { cost, deliveryLimit }: Limits,
  count: number | null,
  rounds: number,
): string | null {
  if (isFree(cost) || deliveryLimit === null || count === null) return null;
  if (deliveryLimit - count - rounds >= leastMargin) return null;
  const needed = rounds === 0 ? '' : `, and this takes ${rounds.toString()} more`;
  return `a message there was delivered ${count.toString()} times of ${deliveryLimit.toString()}${needed}: beyond that, the broker drops it`;
}

const remedy =
  'raise the delivery limit of that channel first: each further look, run or crash costs one more';

/** Throws `UsageError` where it would come too near the limit. */
export function refuseBelowMargin(limits: Limits, count: number | null, rounds: number): void {
  const reason = belowMargin(limits, count, rounds);
  if (reason !== null) throw new UsageError(reason, { hint: remedy });
}

/** Remembers what was refused, so that being refused again costs no delivery. */
export class DeliveryMemory {
  readonly #folder: string;

  constructor(folder: string) {
    this.#folder = folder;
  }

  /** Throws `UsageError` where a message was too near the same limit when it was last seen. */
  async refuseKnown(target: string, channel: string, limits: Limits, rounds: number): Promise<void> {
    const reason = belowMargin(limits, await this.#known(target, channel), rounds);
    if (reason === null) return;
    throw new UsageError(`when it was last looked at, ${reason}`, {
      hint: `${remedy}; where other messages lie there now: --look-again`,
    });
  }

  async remember(target: string, channel: string, count: number): Promise<void> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    await writeJsonFile(this.#fileOf(target, channel), { target, channel, count, at: Date.now() });
  }

  /**
   * A look broke off: what it had taken went back, one delivery more for each, also for what nobody came to read.
   * `highest` is the highest count that was read.
   */
  async rememberBroken(
    target: string,
    channel: string,
    { cost, deliveryLimit }: Limits,
    highest: number | null,
  ): Promise<void> {
    if (isFree(cost) || deliveryLimit === null) return;
    const known = await this.#known(target, channel);
    await this.remember(target, channel, Math.max(known ?? 0, highest ?? 0) + 1);
  }

  async #known(target: string, channel: string): Promise<number | null> {
    return countIn(await readJsonFile(this.#fileOf(target, channel)).catch(() => undefined));
  }

  async forget(target: string, channel: string): Promise<void> {
    await rm(this.#fileOf(target, channel), { force: true });
  }

  #fileOf(target: string, channel: string): string {
    const name = createHash('sha256')
      .update(JSON.stringify([target, channel]))
      .digest('hex')
      .slice(0, 32);
    return join(this.#folder, `${name}.json`);
  }
}

function countIn(document: unknown): number | null {
  if (typeof document !== 'object' || document === null || !('count' in document)) return null;
  return typeof document.count === 'number' ? document.count : null;
}
