import { hash as digestOf } from 'node:crypto';

/** What is hashed, in one piece: many small updates of a hash cost more than the hashing. */
export class DigestInput {
  #bytes = Buffer.allocUnsafe(usualBytes);
  #length = 0;

  ascii(value: string): void {
    this.#makeRoom(value.length);
    this.#length += this.#bytes.write(value, this.#length, 'latin1');
  }

  /** A letter, a whole number and a colon. Most are small: to make a text of each takes longer than all the rest. */
  count(kind: string, count: number): void {
    this.#makeRoom(longestCount);
    this.#bytes[this.#length++] = kind.charCodeAt(0);
    if (count < ten) this.#bytes[this.#length++] = zero + count;
    else this.#length += this.#bytes.write(count.toString(), this.#length, 'latin1');
    this.#bytes[this.#length++] = colon;
  }

  /** So many bytes of UTF-8, as `Buffer.byteLength` says. */
  text(value: string, length: number): void {
    this.#makeRoom(length);
    this.#length += this.#bytes.write(value, this.#length, 'utf8');
  }

  bytes(value: Uint8Array): void {
    this.#makeRoom(value.length);
    this.#bytes.set(value, this.#length);
    this.#length += value.length;
  }

  /** SHA-256, 64 hex digits: a buffer of its own would take four times as long. It is empty afterwards. */
  digest(): string {
    const digest = digestOf('sha256', this.#bytes.subarray(0, this.#length), 'hex');
    this.#length = 0;
    if (this.#bytes.length > largestKept) this.#bytes = Buffer.allocUnsafe(usualBytes);
    return digest;
  }

  /** What an error left of the message before does not count. */
  clear(): void {
    this.#length = 0;
  }

  #makeRoom(more: number): void {
    if (this.#length + more <= this.#bytes.length) return;
    const larger = Buffer.allocUnsafe(Math.max(this.#bytes.length * 2, this.#length + more));
    this.#bytes.copy(larger, 0, 0, this.#length);
    this.#bytes = larger;
  }
}

const usualBytes = 4 * 1024;
const ten = 10;
const zero = 0x30;
const colon = 0x3a;
/** Letter, up to 16 digits, colon. */
const longestCount = 18;
const largestKept = 1024 * 1024;
