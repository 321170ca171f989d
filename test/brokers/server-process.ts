import { spawn, type ChildProcess } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

export interface ServerCommand {
  /** For messages: `kafka`. */
  readonly name: string;
  readonly command: string;
  readonly arguments: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  /** Standard output and error of every start go here, appended. */
  readonly logFile: string;
  /** Resolves when the server answers; asked again and again. `output` is what this start has written. */
  readonly ready: (output: string) => boolean | Promise<boolean>;
  readonly readyWithinMs: number;
}

/** One server, as a child of this process: it dies with it. */
export class ServerProcess {
  readonly #command: ServerCommand;
  #child: ChildProcess | null = null;
  readonly #killWithParent = () => this.#child?.kill('SIGKILL');

  constructor(command: ServerCommand) {
    this.#command = command;
  }

  get pid(): number {
    const pid = this.#child?.pid;
    if (pid === undefined) throw new Error(`${this.#command.name} is not running`);
    return pid;
  }

  /** Throws with the end of its log when it does not become ready. */
  async start(): Promise<void> {
    const { name, command, logFile } = this.#command;
    const log = openSync(logFile, 'a');
    const before = readFileSync(logFile).length;
    const child = spawn(command, this.#command.arguments, {
      stdio: ['ignore', log, log],
      env: { ...process.env, ...this.#command.environment },
      // A process group of its own: Ctrl-C at the terminal reaches us alone, and we stop it in order.
      detached: true,
    });
    closeSync(log);
    let failure: string | null = null;
    child.once('error', (error) => (failure = error.message));
    child.once('exit', (code, signal) => (failure ??= `ended with ${String(signal ?? code)}`));
    this.#child = child;
    process.once('exit', this.#killWithParent);

    const output = () => readFileSync(logFile).subarray(before).toString();
    const deadline = Date.now() + this.#command.readyWithinMs;
    while (!(await this.#command.ready(output()))) {
      const late =
        Date.now() > deadline ? `not ready within ${String(this.#command.readyWithinMs)} ms` : null;
      const problem = failure ?? late;
      if (problem !== null) {
        await this.end('SIGKILL');
        throw new Error(`${name}: ${problem}; its log ends:\n${output().slice(-4000)}`);
      }
      await sleep(50);
    }
  }

  /** SIGTERM gets twenty seconds, then SIGKILL. Does nothing where nothing runs. */
  async end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    const child = this.#child;
    if (child === null) return;
    this.#child = null;
    process.removeListener('exit', this.#killWithParent);
    if (child.pid === undefined || child.exitCode !== null || child.signalCode !== null) return;
    const ended = new Promise((done) => child.once('exit', done));
    child.kill(signal);
    const patience = setTimeout(() => child.kill('SIGKILL'), 20_000);
    await ended;
    clearTimeout(patience);
  }
}
