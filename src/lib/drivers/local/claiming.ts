/** Messages as they are claimed, and what becomes of them: settled, given back, extended, lost. */
import { setImmediate as nextTurn } from 'node:timers/promises';

import { NotFoundError } from '../../errors.ts';
import type { ClaimBatch, Claiming, ClaimRequest, MessageReference, SettleOutcome } from '../driver.ts';
import { findChannel, type Channel } from './channels.ts';
import { BoundedClaims, type Held, type Taken } from './bounded-claims.ts';
import type { LocalFile, Sql } from './database.ts';
import { deadLetterChannelOf, moveToDeadLetters } from './dead-lettering.ts';
import {
  acknowledge,
  advance,
  forget,
  freeAgain,
  giveBack,
  hasNew,
  isFree,
  isHeld,
  messageRow,
  neverClaimed,
  prolong,
  setClaimedTo,
  type Spot,
  type Subscription,
} from './deliveries.ts';
import { pause } from './pause.ts';
import { applyRetention, removeMessage } from './remove.ts';
import { queueGroup } from './schema.ts';
import { sweep, type Session } from './sessions.ts';

const rowsPerBatch = 500;
/** How long it sleeps when nothing is there, or the window is full. */
const pauseMs = 50;
/** How often a waiting consumer looks for what killed processes held. */
const sweepEveryMs = 1_000;

export class LocalClaiming implements Claiming {
  readonly batches: AsyncIterable<ClaimBatch>;
  readonly #file: LocalFile;
  readonly #group: bigint;
  readonly #channelId: bigint;
  readonly #session: Session;
  readonly #request: ClaimRequest;
  readonly #signal: AbortSignal;
  /** Claimed, and neither settled, released nor lost. */
  readonly #held = new Map<string, Held>();
  #firstPartition = 0;
  #sweptAt = Date.now();
  #closed = false;

  constructor(
    file: LocalFile,
    place: { readonly group: bigint; readonly channelId: bigint },
    session: Session,
    request: ClaimRequest,
    signal: AbortSignal,
  ) {
    this.#file = file;
    this.#group = place.group;
    this.#channelId = place.channelId;
    this.#session = session;
    this.#request = request;
    this.#signal = signal;
    this.batches = request.select === null ? this.#next() : this.#selected(request.select);
  }

  async settle(claims: readonly string[]): Promise<readonly SettleOutcome[]> {
    return this.#file
      .write(null, (sql) => {
        const subscription = this.#subscription(sql);
        if (subscription === null) return claims.map((claim): SettleOutcome => this.#drop(claim, 'lost'));
        const touched = new Set<bigint>();
        const outcomes = claims.map((claim): SettleOutcome => {
          const held = this.#held.get(claim);
          if (held === undefined || !this.#settleOne(sql, subscription, held)) return 'lost';
          touched.add(held.partition);
          return 'settled';
        });
        for (const partition of touched) advance(sql, subscription, partition);
        return outcomes;
      })
      .then((outcomes) => {
        for (const claim of claims) this.#held.delete(claim);
        return outcomes;
      });
  }

  async release(claims: readonly string[]): Promise<void> {
    await this.#file.write(null, (sql) => this.#releaseAll(sql, claims));
    for (const claim of claims) this.#held.delete(claim);
  }

  async extend(claims: readonly string[]): Promise<void> {
    const extended = await this.#file.writeLazily(null, (sql) => {
      const subscription = this.#subscription(sql);
      if (subscription === null) return [];
      const until = Date.now() + this.#leaseMs(subscription.channel);
      return claims.flatMap((claim): [string, Held][] => {
        const held = this.#held.get(claim);
        if (held === undefined || !prolong(sql, subscription, held, until)) return [];
        return [[claim, { ...held, until }]];
      });
    });
    for (const [claim, held] of extended) this.#held.set(claim, held);
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    await this.#session.close((sql) => this.#releaseAll(sql, [...this.#held.keys()]));
    this.#held.clear();
  }

  // -------------------------------------------------------------------------------------------------------------------

  async *#next(): AsyncGenerator<ClaimBatch> {
    let idle = false;
    while (!this.#closed) {
      const lost = await this.#lost();
      if (lost !== null) yield lost;
      const room = this.#request.window - this.#held.size;
      // Who waits only reads, so that it does not keep others from writing.
      if (room <= 0 || (idle && !(await this.#mayBeMore()))) {
        await this.#pause();
        await this.#sweepSometimes();
        continue;
      }
      const { items, worked } = await this.#file.writeLazily(this.#signal, (sql) =>
        this.#claimNext(sql, this.#requireSubscription(sql), Math.min(room, rowsPerBatch)),
      );
      this.#remember(items);
      idle = items.length === 0 && !worked;
      if (items.length > 0) {
        yield { kind: 'claimed', items: items.map(({ claimed }) => claimed) };
        // SQLite works with the event loop stopped: signals and timers get their turn here.
        await nextTurn();
      } else if (idle && !this.#request.follow) return;
    }
  }

  async *#selected(references: AsyncIterable<MessageReference>): AsyncGenerator<ClaimBatch> {
    let asked: MessageReference[] = [];
    for await (const reference of references) {
      asked.push(reference);
      if (asked.length < Math.min(rowsPerBatch, this.#request.window)) continue;
      yield* this.#claimAsked(asked);
      asked = [];
    }
    yield* this.#claimAsked(asked);
  }

  async *#claimAsked(references: readonly MessageReference[]): AsyncGenerator<ClaimBatch> {
    let asked = references;
    while (asked.length > 0 && !this.#closed) {
      const lost = await this.#lost();
      if (lost !== null) yield lost;
      const room = this.#request.window - this.#held.size;
      if (room <= 0) {
        await this.#pause();
        continue;
      }
      const tried = asked.slice(0, room);
      const { items, missing, taken } = await this.#file.writeLazily(this.#signal, (sql) =>
        this.#claimReferences(sql, this.#requireSubscription(sql), tried),
      );
      this.#remember(items);
      asked = asked.slice(taken);
      if (missing.length > 0) yield { kind: 'missing', references: missing };
      if (items.length > 0) yield { kind: 'claimed', items: items.map(({ claimed }) => claimed) };
      await nextTurn();
    }
  }

  /** `worked`: something was moved or forgotten, so that there may be more. */
  #claimNext(
    sql: Sql,
    subscription: Subscription,
    limit: number,
  ): { readonly items: readonly Taken[]; readonly worked: boolean } {
    const { channel } = subscription;
    const now = Date.now();
    applyRetention(sql, channel, now);
    const batch = new BoundedClaims(sql, subscription, this.#session.id, now + this.#leaseMs(channel));
    let worked = false;

    const deadLetters = deadLetterChannelOf(sql, channel);
    // Who does not follow would never end if it got again what it gave back itself.
    const notOwner = this.#request.follow ? null : this.#session.id;
    for (const free of freeAgain(sql, subscription, now, notOwner, limit)) {
      if (batch.isFull) break;
      const row = messageRow(sql, channel.id, free);
      const spent = free.attempts >= channel.settings.maxDeliveries;
      if (row === undefined) {
        forget(sql, subscription, free);
        advance(sql, subscription, free.partition);
        worked = true;
      } else if (spent && deadLetters !== null && this.#bury(sql, subscription, deadLetters, free)) {
        worked = true;
      } else {
        batch.take(row, free);
      }
    }

    for (const partition of this.#partitionsInTurn(channel)) {
      const room = limit - batch.items.length;
      if (room <= 0 || batch.isFull) break;
      const offsets = neverClaimed(sql, subscription, partition, room);
      for (const offset of offsets) {
        if (batch.isFull) break;
        const row = messageRow(sql, channel.id, { partition, offset });
        if (row === undefined) continue;
        batch.take(row, { partition, offset });
        setClaimedTo(sql, subscription, partition, offset + 1n);
      }
    }
    return { items: batch.items, worked };
  }

  #claimReferences(
    sql: Sql,
    subscription: Subscription,
    references: readonly MessageReference[],
  ): {
    readonly items: readonly Taken[];
    readonly missing: readonly MessageReference[];
    readonly taken: number;
  } {
    const now = Date.now();
    const batch = new BoundedClaims(
      sql,
      subscription,
      this.#session.id,
      now + this.#leaseMs(subscription.channel),
    );
    const missing: MessageReference[] = [];
    let taken = 0;
    for (const reference of references) {
      if (batch.isFull) break;
      taken += 1;
      const spot = spotOf(reference);
      const row = spot === null ? undefined : messageRow(sql, subscription.channel.id, spot);
      if (spot === null || row === undefined || !isFree(sql, subscription, spot, now))
        missing.push(reference);
      else batch.take(row, spot);
    }
    return { items: batch.items, missing, taken };
  }

  #bury(
    sql: Sql,
    subscription: Subscription,
    deadLetters: Channel,
    dead: Spot & { readonly attempts: number },
  ): boolean {
    if (!moveToDeadLetters(sql, subscription, deadLetters, dead, this.#request.group)) return false;
    advance(sql, subscription, dead.partition);
    return true;
  }

  #settleOne(sql: Sql, subscription: Subscription, held: Held): boolean {
    if (subscription.group !== queueGroup) return acknowledge(sql, subscription, held);
    return (
      isHeld(sql, subscription, held) && removeMessage(sql, this.#channelId, held.partition, held.offset)
    );
  }

  #releaseAll(sql: Sql, claims: readonly string[]): void {
    const subscription = this.#subscription(sql);
    if (subscription === null) return;
    const deadLetters = deadLetterChannelOf(sql, subscription.channel);
    const { maxDeliveries } = subscription.channel.settings;
    for (const claim of claims) {
      const held = this.#held.get(claim);
      if (held === undefined || !giveBack(sql, subscription, held)) continue;
      if (held.attempts >= maxDeliveries && deadLetters !== null)
        this.#bury(sql, subscription, deadLetters, held);
    }
  }

  /** Something new, given back, or held longer than its lease. */
  async #mayBeMore(): Promise<boolean> {
    return this.#file.read(this.#signal, (sql) => {
      const subscription = this.#requireSubscription(sql);
      return hasNew(sql, subscription) || freeAgain(sql, subscription, Date.now(), null, 1).length > 0;
    });
  }

  async #sweepSometimes(): Promise<void> {
    if (Date.now() - this.#sweptAt < sweepEveryMs) return;
    await sweep(this.#file, this.#signal);
    this.#sweptAt = Date.now();
  }

  /** Claims whose lease ran out and that someone else has taken by now. */
  async #lost(): Promise<ClaimBatch | null> {
    const now = Date.now();
    const late = [...this.#held].filter(([, { until }]) => until <= now);
    if (late.length === 0) return null;
    const claims = await this.#file.read(this.#signal, (sql) => {
      const subscription = this.#subscription(sql);
      return late
        .filter(([, held]) => subscription === null || !isHeld(sql, subscription, held))
        .map(([claim]) => claim);
    });
    for (const claim of claims) this.#held.delete(claim);
    return claims.length === 0 ? null : { kind: 'lost', claims, reason: 'the lease ran out' };
  }

  /** null where the channel was deleted. */
  #subscription(sql: Sql): Subscription | null {
    const channel = findChannel(sql, this.#request.channel);
    // One that was made again under the same name is another one.
    return channel === null || channel.id !== this.#channelId ? null : { group: this.#group, channel };
  }

  #requireSubscription(sql: Sql): Subscription {
    const subscription = this.#subscription(sql);
    if (subscription === null)
      throw new NotFoundError('channel', this.#request.channel, `local:${this.#file.path}`);
    return subscription;
  }

  #leaseMs(channel: Channel): number {
    return this.#request.leaseMs ?? channel.settings.leaseMs;
  }

  #remember(items: readonly Taken[]): void {
    for (const { claimed, held } of items) this.#held.set(claimed.claim, held);
  }

  #drop(claim: string, outcome: SettleOutcome): SettleOutcome {
    this.#held.delete(claim);
    return outcome;
  }

  /** Each batch begins with another partition, so that none waits for the others. */
  #partitionsInTurn(channel: Channel): readonly bigint[] {
    const first = this.#firstPartition % channel.partitions;
    this.#firstPartition = first + 1;
    return Array.from({ length: channel.partitions }, (_, index) =>
      BigInt((first + index) % channel.partitions),
    );
  }

  async #pause(): Promise<void> {
    await pause(pauseMs, this.#signal);
  }
}

function spotOf({ partition, offset }: MessageReference): Spot | null {
  if (
    partition === null ||
    offset === null ||
    !/^[0-9]{1,18}$/.test(partition) ||
    !/^[0-9]{1,18}$/.test(offset)
  )
    return null;
  return { partition: BigInt(partition), offset: BigInt(offset) };
}
