/** What is claimed in one transaction, bounded in bytes. */
import type { Claimed } from '../driver.ts';
import type { Sql } from './database.ts';
import { lease, type Lease, type Spot, type Subscription } from './deliveries.ts';
import { numberOf, type Row } from './rows.ts';
import { messageFrom } from './stored-message.ts';

const bytesPerBatch = 1024 * 1024;

/** A claim that is neither settled, released nor lost. `until`: milliseconds since 1970, the end of its lease. */
export interface Held extends Lease {
  readonly until: number;
}

export interface Taken {
  readonly claimed: Claimed;
  readonly held: Held;
}

export class BoundedClaims {
  readonly items: Taken[] = [];
  readonly #sql: Sql;
  readonly #subscription: Subscription;
  readonly #owner: string;
  readonly #until: number;
  #bytes = 0;

  constructor(sql: Sql, subscription: Subscription, owner: string, until: number) {
    this.#sql = sql;
    this.#subscription = subscription;
    this.#owner = owner;
    this.#until = until;
  }

  get isFull(): boolean {
    return this.#bytes >= bytesPerBatch;
  }

  take(row: Row, spot: Spot): void {
    const attempts = lease(this.#sql, this.#subscription, spot, this.#owner, this.#until);
    const message = messageFrom(row, this.#subscription.channel.name, attempts);
    const held: Held = {
      partition: spot.partition,
      offset: spot.offset,
      owner: this.#owner,
      attempts,
      until: this.#until,
    };
    this.items.push({
      claimed: {
        claim: `${spot.partition}/${spot.offset}/${attempts}`,
        message,
      },
      held,
    });
    this.#bytes += numberOf(row, 'bytes');
  }
}
