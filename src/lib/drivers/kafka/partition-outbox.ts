import type { Outcome } from '../driver.ts';
import type { EncodableRecord } from './protocol/record-encoder.ts';

/** One message on its way, and the call that waits for its outcome. */
export interface OutboxItem {
  readonly record: EncodableRecord;
  /** In a batch, uncompressed. */
  readonly bytes: number;
  readonly settle: (outcome: Outcome) => void;
}

/** Who writes: sequences count in one producer id and partition. */
export interface Producer {
  readonly producerId: bigint;
  readonly epoch: number;
}

export interface OutboxBatch {
  readonly items: readonly OutboxItem[];
  readonly producer: Producer;
  baseSequence: number;
  /** Milliseconds since 1970 of its first sending, and after which it is given up. */
  readonly deadline: number;
  /** It may have been written though nobody said so. */
  uncertain: boolean;
}

/** What a broker remembers of a producer in a partition, so that it knows a batch that comes twice. */
const batchesInFlight = 5;
const sequences = 2 ** 31;

/**
 * What waits for one partition, in order: queued, on its way, or to be sent again. The order of sequences is that of the
 * messages, whatever fails: after a failure everything on its way comes back first, then it goes out again, one by one.
 */
export class PartitionOutbox {
  readonly partition: number;
  readonly #producer: () => Producer | null;
  #own: Producer | null = null;
  #queue: OutboxItem[] = [];
  #head = 0;
  #again: OutboxBatch[] = [];
  #inFlight = 0;
  /** What the broker expects next, as far as it answered. */
  #acknowledged = 0;
  #next = 0;
  #recovering = false;
  #renewing = false;
  #waitingSince = 0;

  /** `producer` gives a producer id, null while a new one is being asked for. */
  constructor(partition: number, producer: () => Producer | null) {
    this.partition = partition;
    this.#producer = producer;
  }

  get idle(): boolean {
    return this.#inFlight === 0 && this.#again.length === 0 && this.#head === this.#queue.length;
  }

  /** Something failed and is still to be sent again. */
  get recovering(): boolean {
    return this.#recovering;
  }

  push(item: OutboxItem): void {
    if (this.#head === this.#queue.length) this.#waitingSince = Date.now();
    this.#queue.push(item);
  }

  /** The next batch to send, or null: nothing waits, or what is on its way must come back first. */
  take(maxBytes: number, deadline: number): OutboxBatch | null {
    if (this.#renewing) return null;
    if (this.#recovering) {
      if (this.#inFlight > 0) return null;
      const batch = this.#again.shift();
      if (batch !== undefined) return this.#launch(batch);
      this.#recovering = false;
    }
    if (this.#inFlight >= batchesInFlight || this.#head === this.#queue.length) return null;
    const producer = (this.#own ??= this.#producer());
    if (producer === null) return null;
    let bytes = 0;
    let end = this.#head;
    for (; end < this.#queue.length; end += 1) {
      bytes += this.#queue[end]?.bytes ?? 0;
      if (bytes > maxBytes && end > this.#head) break;
    }
    const items = this.#queue.slice(this.#head, end);
    this.#head = end;
    this.#waitingSince = Date.now();
    if (this.#head === this.#queue.length) {
      this.#queue = [];
      this.#head = 0;
    }
    return this.#launch({ items, producer, baseSequence: 0, deadline, uncertain: false });
  }

  #launch(batch: OutboxBatch): OutboxBatch {
    batch.baseSequence = this.#next;
    this.#next = (this.#next + batch.items.length) % sequences;
    this.#inFlight += 1;
    return batch;
  }

  /** The broker has it. Returns batches before it that nobody answered for: their order says that it has them, too. */
  accepted(batch: OutboxBatch): readonly OutboxBatch[] {
    this.#inFlight -= 1;
    const end = (batch.baseSequence + batch.items.length) % sequences;
    if (sequenceOrder(end, this.#acknowledged) > 0) this.#acknowledged = end;
    const written = this.#again.filter((each) => this.isWritten(each));
    if (written.length > 0) this.#again = this.#again.filter((each) => !written.includes(each));
    return written;
  }

  /** A batch without an answer of which a later one was accepted: with sequences, that cannot be unless it was written. */
  isWritten(batch: OutboxBatch): boolean {
    return (
      batch.uncertain &&
      batch.producer.producerId >= 0n &&
      sequenceOrder(batch.baseSequence, this.#acknowledged) < 0
    );
  }

  /** It is not to be sent again. */
  dropped(batch: OutboxBatch): void {
    this.failed(batch, []);
  }

  /** It is to be sent again, or these parts of it are, none of which was written. */
  failed(batch: OutboxBatch, parts: readonly (readonly OutboxItem[])[] | null = null): void {
    this.#inFlight -= 1;
    const again = parts === null ? [batch] : parts.map((items) => ({ ...batch, items, uncertain: false }));
    // Stable: parts of one batch keep their order, and batches that of their sequences.
    this.#again = [...this.#again, ...again.filter(({ items }) => items.length > 0)].sort((one, other) =>
      sequenceOrder(one.baseSequence, other.baseSequence),
    );
    this.#recovering = true;
    if (this.#inFlight === 0) this.#next = this.#acknowledged;
  }

  /** Whether the broker expects this batch next: only then does it mean what it says about a wrong sequence. */
  isFirst(batch: OutboxBatch): boolean {
    return batch.baseSequence === this.#acknowledged;
  }

  /** Takes out the batches whose time is over. */
  expired(now: number): readonly OutboxBatch[] {
    if (this.#inFlight > 0) return [];
    const over = this.#again.filter(({ deadline }) => deadline <= now);
    if (over.length > 0) this.#again = this.#again.filter(({ deadline }) => deadline > now);
    return over;
  }

  /** How long nothing of what is queued could be sent, in milliseconds. */
  stuckFor(now: number): number {
    return this.#head === this.#queue.length || this.#inFlight > 0 ? 0 : now - this.#waitingSince;
  }

  /** Takes everything out that was never sent. */
  unsent(): readonly OutboxItem[] {
    const items = this.#queue.slice(this.#head);
    this.#queue = [];
    this.#head = 0;
    return items;
  }

  /** What is still to be sent needs another producer id: sequences of this one are no longer certain. */
  renew(): void {
    this.#renewing = true;
  }

  /**
   * Once nothing is on its way, begins with another producer id at sequence 0. Returns the batches that may have been
   * written, which nothing could tell from new ones then; the others go out again.
   */
  renewed(): readonly OutboxBatch[] {
    if (!this.#renewing || this.#inFlight > 0) return [];
    const { uncertain = [], certain = [] } = Object.groupBy(this.#again, (batch) =>
      batch.uncertain ? 'uncertain' : 'certain',
    );
    this.#queue = [...certain.flatMap((batch) => batch.items), ...this.#queue.slice(this.#head)];
    this.#head = 0;
    this.#again = [];
    this.#own = null;
    this.#acknowledged = 0;
    this.#next = 0;
    this.#recovering = false;
    this.#renewing = false;
    return uncertain;
  }
}

/** Sequences wrap at 2^31; two in one outbox are never half of that apart. */
function sequenceOrder(one: number, other: number): number {
  return ((one - other + sequences + sequences / 2) % sequences) - sequences / 2;
}
