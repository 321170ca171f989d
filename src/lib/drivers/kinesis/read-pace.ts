import { setTimeout as sleep } from 'node:timers/promises';

/** AWS allows so many reads of a shard a second, by all of its readers together. */
const readsEach = 5;
const windowMs = 1_000;

/** Keeps the reads of each shard under what AWS allows. One for each driver, so that all of its readers share it. */
export class ReadPace {
  readonly #last = new Map<string, number[]>();

  /** Resolves when this shard may be read. */
  async turn(stream: string, shard: string, signal: AbortSignal): Promise<void> {
    const name = `${stream}\n${shard}`;
    const times = this.#last.get(name) ?? [];
    this.#last.set(name, times);
    const before = times.length < readsEach ? undefined : times.shift();
    const now = performance.now();
    const at = before === undefined ? now : Math.max(now, before + windowMs);
    times.push(at);
    if (at > now) await sleep(at - now, undefined, { signal });
  }
}
