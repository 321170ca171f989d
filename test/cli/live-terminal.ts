/** The real program on a pseudo terminal, by util-linux `script`, with a person who presses keys and sees what is drawn. */
import assert from 'node:assert/strict';
import { execFileSync, spawn, type ChildProcess } from 'node:child_process';
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { stripVTControlCharacters } from 'node:util';
import stringWidth from 'string-width';
import { cleanEnvironment } from './run-mqctl.ts';

const program = fileURLToPath(new URL('../../bin/run.js', import.meta.url));
/** Where the drawing of a whole screen begins: everything was erased, or it begins at the top. */
const frameStart = /\u001b\[2K\u001b\[G|\u001b\[H/g;
const waitMs = 30_000;

export interface TerminalSize {
  readonly columns: number;
  readonly rows: number;
}

export class LiveTerminal {
  readonly #child: ChildProcess;
  readonly #ended: Promise<number | null>;
  #shown = '';

  /** Gone at the end of the test, however that ends. */
  constructor(
    t: TestContext,
    words: readonly string[],
    folder: string,
    { columns, rows }: TerminalSize,
    environment: Readonly<Record<string, string>> = {},
  ) {
    const quoted = [process.execPath, program, ...words]
      .map((word) => `'${word.replaceAll("'", `'\\''`)}'`)
      .join(' ');
    const size = `stty cols ${columns.toString()} rows ${rows.toString()}`;
    const child = spawn('script', ['-qec', `${size}; tty; exec ${quoted}`, '/dev/null'], {
      cwd: folder,
      env: { ...cleanEnvironment(folder, environment), TERM: 'xterm-256color', SHELL: '/bin/sh' },
      stdio: ['pipe', 'pipe', 'pipe'],
    });
    child.stdin.on('error', () => undefined); // it may have ended
    child.stdout.setEncoding('utf8').on('data', (text: string) => (this.#shown += text));
    this.#child = child;
    t.after(() => child.kill());
    this.#ended = new Promise((resolve) => child.once('close', resolve));
  }

  /** Everything that was written, escape sequences and all. */
  get shown(): string {
    return this.#shown;
  }

  /** The same as it is read. */
  get said(): string {
    return stripVTControlCharacters(this.#shown);
  }

  /** The lines of the last drawing, as they are seen. */
  get frame(): readonly string[] {
    const start = [...this.#shown.matchAll(frameStart)].at(-1);
    const text = start === undefined ? this.#shown : this.#shown.slice(start.index + start[0].length);
    return text
      .replace(/\u001b\[[0-9;?]*[a-zA-Z]/g, '')
      .split(/\r?\n/)
      .map((line) => line.trimEnd());
  }

  press(keys: string): void {
    this.#child.stdin?.write(keys);
  }

  /** Waits until the last drawing says so. */
  async sees(pattern: RegExp): Promise<void> {
    await this.#until(() => pattern.test(this.frame.join('\n')), pattern.toString());
  }

  /** Waits until something like this was written, wherever it stands. */
  async says(pattern: RegExp): Promise<void> {
    await this.#until(() => pattern.test(this.said), pattern.toString());
  }

  /** Waits until the last drawing goes beyond neither side of this size. */
  async staysWithin({ columns, rows }: TerminalSize): Promise<void> {
    await this.#until(() => {
      const { frame } = this;
      return frame.length <= rows && frame.every((line) => stringWidth(line) <= columns);
    }, `at most ${columns.toString()}×${rows.toString()}`);
  }

  /** Waits until the last drawing is a whole one for this size: all of its rows, none of them too wide. */
  async fits({ columns, rows }: TerminalSize): Promise<void> {
    await this.#until(() => {
      const { frame } = this;
      return frame.length === rows && frame.every((line) => stringWidth(line) <= columns);
    }, `${columns.toString()}×${rows.toString()}`);
  }

  async #until(isSo: () => boolean, what: string): Promise<void> {
    const until = Date.now() + waitMs;
    while (!isSo()) {
      if (Date.now() > until) assert.fail(`it does not show ${what}:\n${this.frame.join('\n')}`);
      await sleep(20);
    }
  }

  resize({ columns, rows }: TerminalSize): void {
    const device = /\/dev\/\S+/.exec(this.#shown)?.[0];
    assert.ok(device !== undefined);
    execFileSync('stty', ['-F', device, 'cols', columns.toString(), 'rows', rows.toString()]);
  }

  /** The exit code. */
  async end(): Promise<number | null> {
    const code = await this.#ended;
    this.#child.stdin?.destroy();
    return code;
  }
}

export const keys = { down: '\u001b[B', enter: '\r', escape: '\u001b', interrupt: '\u0003', tab: '\t' };
