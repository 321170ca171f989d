const stepSizes = [1, 2, 5, 10, 20, 50, 100];
/** Fewer than that are their own canary. */
const worthIt = 20;

/** The ramp: 1, 2, 5, 10, 20, 50, 100, then free. Each step is watched before the next. */
export class Canary {
  /** The steps that so many selected ones would take; empty where they are their own canary. */
  static steps(selected: number): readonly number[] {
    if (selected <= worthIt) return [];
    let before = 0;
    return stepSizes.filter((size) => {
      const begins = before < selected;
      before += size;
      return begins;
    });
  }

  #step: number;
  #left: number;

  constructor(enabled: boolean, selected: number) {
    this.#step = enabled && selected > worthIt ? 0 : stepSizes.length;
    this.#left = stepSizes[this.#step] ?? 0;
  }

  /** How many may go before the next look at what came back; null: as many as you like. */
  get room(): number | null {
    return this.#step < stepSizes.length ? this.#left : null;
  }

  /** True when the step is full: watch, then call `widen`. */
  sent(count: number): boolean {
    if (this.#step >= stepSizes.length) return false;
    this.#left = Math.max(0, this.#left - count);
    return this.#left === 0;
  }

  widen(): void {
    this.#step += 1;
    this.#left = stepSizes[this.#step] ?? 0;
  }
}
