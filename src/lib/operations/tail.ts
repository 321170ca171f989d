/** The last bytes of a stream, in bounded memory. */
export class Tail {
  readonly #most: number;
  #kept = Buffer.alloc(0);

  constructor(most: number) {
    this.#most = most;
  }

  add(chunk: Uint8Array): void {
    const end = chunk.subarray(Math.max(0, chunk.length - this.#most));
    this.#kept = Buffer.concat([this.#kept, end]).subarray(-this.#most);
  }

  /** Does not begin in the middle of a character of UTF-8. */
  bytes(): Uint8Array {
    let start = 0;
    while (start < 3 && isContinuation(this.#kept[start])) start += 1;
    return this.#kept.subarray(start);
  }
}

function isContinuation(byte: number | undefined): boolean {
  return byte !== undefined && (byte & 0xc0) === 0x80;
}
