/** Runs one command line of the user's by the shell, with bounded memory, and ends it where it has to. */
import { spawn, type ChildProcessByStdio } from 'node:child_process';
import type { Readable, Writable } from 'node:stream';

import { errorText } from '../errors.ts';
import { Tail } from './tail.ts';

export interface CommandRequest {
  /** For `sh -c`, as the user wrote it: nothing is ever put into it. */
  readonly command: string;
  /** What it gets on stdin. It need not read it. */
  readonly input: Uint8Array;
  /** All of its environment. */
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Milliseconds after which it is ended; null: never. */
  readonly timeoutMs: number | null;
  /** Resolves when there is room for more. Where it throws, the command is ended, and `runCommand` throws that. */
  readonly onOutput: (chunk: Uint8Array) => Promise<void>;
  readonly onErrorOutput: (chunk: Uint8Array) => Promise<void>;
}

export type CommandEnd = (
  | { readonly kind: 'exited'; readonly status: number }
  | { readonly kind: 'killed'; readonly signal: string }
  | { readonly kind: 'timed-out'; readonly afterMs: number }
  | { readonly kind: 'not-started'; readonly reason: string }
) & {
  /** The end of what it wrote to stderr, at most `errorTailBytes`. */
  readonly errorTail: Uint8Array;
};

export const errorTailBytes = 4 * 1024;
/** Between the polite and the other way to end it. */
const graceMs = 5_000;
/** What it left running may hold its pipes open: silent for so long after its end, they are no longer read. */
const lingerMs = 1_000;

type Child = ChildProcessByStdio<Writable, Readable, Readable>;

/** Resolves when it has ended and all of its output was taken. It is killed if this process exits before. */
export async function runCommand(request: CommandRequest): Promise<CommandEnd> {
  const tail = new Tail(errorTailBytes);
  const notStarted = (error: unknown): CommandEnd => ({
    kind: 'not-started',
    reason: errorText(error),
    errorTail: tail.bytes(),
  });
  let child: Child;
  try {
    // A group of its own: Ctrl-C at the terminal does not reach it, and it is ended with all that it started.
    child = spawn('/bin/sh', ['-c', request.command], {
      env: request.environment,
      stdio: ['pipe', 'pipe', 'pipe'],
      detached: true,
    });
  } catch (error) {
    return notStarted(error);
  }
  const kill = (signal: NodeJS.Signals): void => {
    signalGroup(child, signal);
  };
  const killAtExit = (): void => {
    kill('SIGKILL');
  };
  process.once('exit', killAtExit);
  const timers: NodeJS.Timeout[] = [];
  let timedOut = false;
  const end = (): void => {
    kill('SIGTERM');
    timers.push(setTimeout(kill, graceMs, 'SIGKILL'));
  };
  if (request.timeoutMs !== null)
    timers.push(
      setTimeout(() => {
        timedOut = true;
        end();
      }, request.timeoutMs),
    );
  try {
    const exited = exitOf(child);
    child.stdin.on('error', () => undefined); // it may end, or close it, without having read everything
    child.stdin.end(request.input);
    const reading = new Reading(child);
    const output = reading.of(child.stdout, request.onOutput);
    const errorOutput = reading.of(child.stderr, async (chunk) => {
      tail.add(chunk);
      await request.onErrorOutput(chunk);
    });
    const read = Promise.all([output, errorOutput]);
    read.catch(end);
    const { error, status, signal } = await exited;
    reading.linger(lingerMs);
    await read;
    if (error !== null) return notStarted(error);
    const errorTail = tail.bytes();
    if (timedOut) return { kind: 'timed-out', afterMs: request.timeoutMs ?? 0, errorTail };
    if (signal !== null) return { kind: 'killed', signal, errorTail };
    return { kind: 'exited', status: status ?? 0, errorTail };
  } finally {
    for (const timer of timers) clearTimeout(timer);
    process.off('exit', killAtExit);
  }
}

interface Exit {
  readonly error: Error | null;
  readonly status: number | null;
  readonly signal: string | null;
}

function exitOf(child: Child): Promise<Exit> {
  return new Promise((resolve) => {
    child.once('error', (error) => {
      resolve({ error, status: null, signal: null });
    });
    child.once('exit', (status, signal) => {
      resolve({ error: null, status, signal });
    });
  });
}

/** It and whatever it started; nothing where it has gone already. */
function signalGroup({ pid, exitCode, signalCode }: Child, signal: NodeJS.Signals): void {
  if (pid === undefined || exitCode !== null || signalCode !== null) return;
  try {
    process.kill(-pid, signal);
  } catch {
    // It ended just now.
  }
}

/** Reads both outputs of a child, one chunk at a time, until they end or nobody writes to them any more. */
class Reading {
  readonly #child: Child;
  #chunks = 0;
  #busy = 0;
  #abandoned = false;
  #lingering: NodeJS.Timeout | null = null;

  constructor(child: Child) {
    this.#child = child;
  }

  async of(stream: Readable, take: (chunk: Uint8Array) => Promise<void>): Promise<void> {
    try {
      for await (const chunk of stream) {
        if (!(chunk instanceof Uint8Array)) continue;
        this.#chunks += 1;
        this.#busy += 1;
        await take(chunk);
        this.#busy -= 1;
      }
    } catch (error) {
      if (!this.#abandoned) throw error;
    } finally {
      if (this.#child.stdout.destroyed && this.#child.stderr.destroyed) this.#stopLingering();
    }
  }

  /** The child has gone: stops as soon as nothing came for so long, unless what came is still being taken. */
  linger(ms: number): void {
    if (this.#child.stdout.destroyed && this.#child.stderr.destroyed) return;
    let before = this.#chunks;
    this.#lingering = setInterval(() => {
      if (this.#busy > 0 || this.#chunks !== before) {
        before = this.#chunks;
        return;
      }
      this.#abandoned = true;
      this.#stopLingering();
      this.#child.stdout.destroy();
      this.#child.stderr.destroy();
    }, ms);
  }

  #stopLingering(): void {
    if (this.#lingering !== null) clearInterval(this.#lingering);
  }
}
