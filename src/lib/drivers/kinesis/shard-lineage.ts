/** Which shards are to be read, and when: a child only after its parents, so that a key keeps its order. Pure. */
import type { Place } from './place.ts';
import type { Shard } from './streams.ts';

type Readable = Exclude<Place, { kind: 'done' }>;

export class ShardLineage {
  readonly #parents = new Map<string, readonly string[]>();
  /** To be read and not begun. */
  readonly #waiting = new Map<string, Readable>();
  readonly #reading = new Set<string>();
  readonly #ended = new Set<string>();

  /**
   * `places` are those that are read from a place of their own; what came of them is read from its start. A shard that is in
   * neither is left alone.
   */
  constructor(shards: readonly Shard[], places: ReadonlyMap<string, Place>, children: boolean) {
    for (const { shard, parents } of shards) {
      this.#parents.set(shard, parents);
      const place = places.get(shard);
      if (place?.kind === 'done') this.#ended.add(shard);
      else if (place !== undefined) this.#waiting.set(shard, place);
    }
    if (children) this.add(shards);
  }

  /** What came of shards that are read, or were, since the last time. */
  add(shards: readonly Shard[]): void {
    for (const { shard, parents } of shards) this.#parents.set(shard, parents);
    // Grandchildren may come before children in no particular order: until nothing more is found.
    for (let found = true; found;) {
      found = false;
      for (const { shard, parents } of shards) {
        if (this.#knows(shard) || !parents.some((parent) => this.#knows(parent))) continue;
        this.#waiting.set(shard, { kind: 'start' });
        found = true;
      }
    }
  }

  /** Those whose turn it is now: they count as being read from here on. */
  begin(): [shard: string, place: Readable][] {
    const ready = [...this.#waiting].filter(([shard]) =>
      (this.#parents.get(shard) ?? []).every((parent) => !this.#knows(parent) || this.#ended.has(parent)),
    );
    for (const [shard] of ready) {
      this.#waiting.delete(shard);
      this.#reading.add(shard);
    }
    return ready;
  }

  end(shard: string): void {
    this.#reading.delete(shard);
    this.#ended.add(shard);
  }

  /** Still to be read, begun or not. */
  get left(): number {
    return this.#waiting.size + this.#reading.size;
  }

  /** Every shard that is read, will be, or was. */
  get shards(): string[] {
    return [...this.#waiting.keys(), ...this.#reading, ...this.#ended];
  }

  #knows(shard: string): boolean {
    return this.#waiting.has(shard) || this.#reading.has(shard) || this.#ended.has(shard);
  }
}
