/** How many messages of each queue the claims of this driver hold: AMQP itself tells only how many are ready. */
export class HeldHere {
  readonly #counts = new Map<string, Set<() => number>>();

  /** Answers with what ends it. */
  add(queue: string, count: () => number): () => void {
    const counts = this.#counts.get(queue) ?? new Set();
    this.#counts.set(queue, counts.add(count));
    return () => {
      counts.delete(count);
      if (counts.size === 0 && this.#counts.get(queue) === counts) this.#counts.delete(queue);
    };
  }

  of(queue: string): number {
    let held = 0;
    for (const count of this.#counts.get(queue) ?? []) held += count();
    return held;
  }
}
