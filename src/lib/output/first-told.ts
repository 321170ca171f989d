/** Tells the first ones of what may be many, and counts them all. */
export class FirstTold {
  readonly #most: number;
  readonly #tell: (text: string) => void;
  #count = 0;

  constructor(most: number, tell: (text: string) => void) {
    this.#most = most;
    this.#tell = tell;
  }

  get count(): number {
    return this.#count;
  }

  /** How many were not told. */
  get untold(): number {
    return Math.max(0, this.#count - this.#most);
  }

  add(text: string): void {
    this.#count += 1;
    if (this.#count <= this.#most) this.#tell(text);
  }
}
