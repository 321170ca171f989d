import type { Sink } from './streams.ts';

/** The terminal's second screen, redrawn in place; what was on the first is there again after `close`. */
export class Screen {
  readonly #sink: Sink;
  #open = false;

  constructor(sink: Sink) {
    this.#sink = sink;
  }

  get columns(): number {
    return this.#sink.columns;
  }

  get rows(): number {
    return this.#sink.rows;
  }

  onResize(listener: () => void): Disposable {
    return this.#sink.onResize(listener);
  }

  /** What does not fit the width is cut by the terminal, and the lines that do not fit the height are left out. */
  async draw(lines: readonly string[]): Promise<void> {
    const begin = this.#open ? '' : '\u001b[?1049h\u001b[?25l\u001b[?7l';
    this.#open = true;
    const shown = lines.slice(0, this.rows).map((line) => `${line}\u001b[K`);
    await this.#sink.write(`${begin}\u001b[H${shown.join('\r\n')}\u001b[J`);
  }

  /** Idempotent. */
  close(): void {
    if (!this.#open) return;
    this.#open = false;
    this.#sink.writeNow('\u001b[?7h\u001b[?25h\u001b[?1049l');
  }
}
