import { once } from 'node:events';
import type { Writable } from 'node:stream';

/** The reader of our output went away (`| head -1`): no failure, and what was not written was not acknowledged. */
export class ClosedPipe extends Error {
  constructor() {
    super('the reader of the output has gone');
    this.name = 'ClosedPipe';
  }
}

/** stdout and stderr: a terminal has a size, a pipe has not. */
export type OutputStream = Writable & {
  readonly isTTY?: boolean;
  readonly columns?: number;
  readonly rows?: number;
};

/** One of the two ways out, with backpressure. Nothing else in the project writes to the process's streams. */
export class Sink {
  readonly isTerminal: boolean;
  readonly #stream: OutputStream;
  readonly #closed = new AbortController();

  constructor(stream: OutputStream) {
    this.#stream = stream;
    this.isTerminal = stream.isTTY === true;
    stream.on('error', (error: NodeJS.ErrnoException) => {
      // EIO: the terminal itself has gone.
      if (error.code !== 'EPIPE' && error.code !== 'EIO' && error.code !== 'ERR_STREAM_DESTROYED')
        throw error;
      this.#closed.abort(new ClosedPipe());
    });
  }

  /** Aborts with `ClosedPipe` once the reader has gone. */
  get closed(): AbortSignal {
    return this.#closed.signal;
  }

  get columns(): number {
    return this.#stream.columns || 80; // a terminal may say 0
  }

  get rows(): number {
    return this.#stream.rows || 24;
  }

  /** Tells when the terminal has another size, until it is disposed of. */
  onResize(listener: () => void): Disposable {
    this.#stream.on('resize', listener);
    return { [Symbol.dispose]: () => void this.#stream.off('resize', listener) };
  }

  /** Resolves when there is room for more. Throws `ClosedPipe`. */
  async write(chunk: string | Uint8Array): Promise<void> {
    this.#closed.signal.throwIfAborted();
    if (this.#stream.write(chunk)) return;
    try {
      await once(this.#stream, 'drain', { signal: this.#closed.signal });
    } catch (error) {
      this.#closed.signal.throwIfAborted();
      throw error;
    }
  }

  /** Resolves when everything that was written has been taken: only then may it be acknowledged. Throws `ClosedPipe`. */
  async flush(): Promise<void> {
    this.#closed.signal.throwIfAborted();
    await new Promise<void>((resolve) => {
      const done = (): void => {
        this.#closed.signal.removeEventListener('abort', done);
        resolve();
      };
      this.#closed.signal.addEventListener('abort', done);
      this.#stream.write('', done);
    });
    this.#closed.signal.throwIfAborted();
  }

  /** For what cannot wait (a line on the way out of the process). */
  writeNow(text: string): void {
    if (!this.#closed.signal.aborted) this.#stream.write(text);
  }
}
