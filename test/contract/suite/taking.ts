/** Claims, taken a number at a time. */
import assert from 'node:assert/strict';
import type { ClaimBatch, Claimed, Claiming, MessageReference } from '../../../src/lib/drivers/driver.ts';

export class Taking {
  readonly claiming: Claiming;
  /** What the driver said was lost, and what was asked for and missing. */
  readonly lost: string[] = [];
  readonly missing: MessageReference[] = [];
  readonly #batches: AsyncIterator<ClaimBatch, unknown>;
  #waiting: Claimed[] = [];

  constructor(claiming: Claiming) {
    this.claiming = claiming;
    this.#batches = claiming.batches[Symbol.asyncIterator]();
  }

  /** The next `count`. Fails where there are fewer. */
  async take(count: number): Promise<Claimed[]> {
    while (this.#waiting.length < count && (await this.#more()));
    assert.ok(this.#waiting.length >= count, `${this.#waiting.length} of ${count} messages could be claimed`);
    return this.#waiting.splice(0, count);
  }

  /** All until the driver says that there are no more. */
  async rest(): Promise<Claimed[]> {
    while (await this.#more());
    return this.#waiting.splice(0);
  }

  /** Settles them; every one must be, as surely as the system declares. */
  async settle(claimed: readonly Claimed[]): Promise<void> {
    const outcomes = await this.claiming.settle(claimed.map(({ claim }) => claim));
    assert.equal(outcomes.length, claimed.length, 'one outcome for each claim');
    assert.deepEqual(
      outcomes.filter((outcome) => outcome !== 'settled' && outcome !== 'sent'),
      [],
    );
  }

  release(claimed: readonly Claimed[]): Promise<void> {
    return this.claiming.release(claimed.map(({ claim }) => claim));
  }

  close(): Promise<void> {
    return this.claiming.close();
  }

  async #more(): Promise<boolean> {
    const next: IteratorResult<ClaimBatch, unknown> = await this.#batches.next();
    if (next.done === true) return false;
    const { value } = next;
    if (value.kind === 'claimed') this.#waiting.push(...value.items);
    else if (value.kind === 'lost') this.lost.push(...value.claims);
    else this.missing.push(...value.references);
    return true;
  }
}
