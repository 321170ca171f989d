import Connection from 'kafkajs/src/network/connection.js';
import { MalformedError } from './protocol/primitives.ts';

/**
 * kafkajs' connection, which believes the size before each answer: at a negative one it goes round for ever, and one that
 * is too small makes it throw where nobody catches. Here what waits for an answer fails with a `MalformedError`.
 */
export class GuardedConnection extends Connection {
  readonly #sizes = new SizeReader();
  #damaged = false;

  override processData(bytes: Buffer): void {
    if (this.#damaged) return;
    try {
      this.#sizes.pass(bytes);
      super.processData(bytes);
    } catch (thrown) {
      this.#damaged = true;
      const malformed =
        thrown instanceof MalformedError ? thrown : new MalformedError('its size is not that of an answer');
      this.rejectRequests(malformed);
      this.disconnect().catch(() => undefined);
    }
  }
}

const sizeBytes = 4;

/** Looks at the size of each answer as its bytes pass by. */
class SizeReader {
  /** What is left of the answer that is passing. */
  #left = 0;
  readonly #size = Buffer.alloc(sizeBytes);
  #sizeAt = 0;

  /** Throws `MalformedError` for a negative size. */
  pass(bytes: Buffer): void {
    for (let at = 0; at < bytes.length;) {
      if (this.#left > 0) {
        const passed = Math.min(this.#left, bytes.length - at);
        this.#left -= passed;
        at += passed;
        continue;
      }
      this.#size[this.#sizeAt] = bytes[at] ?? 0;
      this.#sizeAt += 1;
      at += 1;
      if (this.#sizeAt < sizeBytes) continue;
      this.#sizeAt = 0;
      this.#left = this.#size.readInt32BE();
      if (this.#left < 0) throw new MalformedError(`its size is ${String(this.#left)} bytes`);
    }
  }
}
