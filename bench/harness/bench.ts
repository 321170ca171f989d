import { mkdtemp, rm } from 'node:fs/promises';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import type { RunningBroker } from '../../test/brokers/running-broker.ts';

const exitCodes = { SIGINT: 130, SIGTERM: 143 } as const;

/** A bench's run and what it has started. */
export class Bench {
  /** Aborts when the bench is ended before its time, or is over. */
  readonly signal: AbortSignal;
  readonly #over = new AbortController();
  readonly #owned = new AsyncDisposableStack();

  constructor(interrupted: AbortSignal) {
    this.signal = AbortSignal.any([interrupted, this.#over.signal]);
  }

  /** Starts something that is stopped at the end, what was started last first; also while it is still starting. */
  async own<Started>(
    start: () => Promise<Started>,
    stop: (started: Started) => Promise<unknown>,
  ): Promise<Started> {
    this.signal.throwIfAborted();
    const starting = start();
    this.#owned.defer(async () => {
      const started = await starting.then(
        (value) => ({ value }),
        () => null, // whoever asked for it hears why it did not start
      );
      if (started !== null) await stop(started.value);
    });
    return starting;
  }

  broker<Broker extends RunningBroker>(start: () => Promise<Broker>): Promise<Broker> {
    return this.own(start, (broker) => broker.stop());
  }

  /** An empty folder, removed at the end. */
  folder(): Promise<string> {
    return this.own(
      () => mkdtemp(join(tmpdir(), 'mqctl-bench-')),
      (folder) => rm(folder, { recursive: true, force: true }),
    );
  }

  async stop(): Promise<void> {
    this.#over.abort(new Error('the bench is over'));
    await this.#owned.disposeAsync();
  }
}

/**
 * Runs the parts of a bench and stops what each has started, in order, whether it is done, has failed, or gets Ctrl-C or
 * SIGTERM. A second signal does not wait: brokers are killed, and their folders stay.
 */
export async function runBench(...parts: readonly ((bench: Bench) => Promise<void>)[]): Promise<never> {
  const stopping = new AbortController();
  const interrupted = Promise.withResolvers<never>();
  interrupted.promise.catch(() => undefined); // it may come between two parts
  for (const name of ['SIGINT', 'SIGTERM'] as const)
    process.on(name, () => {
      if (stopping.signal.aborted) process.exit(exitCodes[name]);
      process.exitCode = exitCodes[name];
      console.error(`${name}: stopping what was started`);
      const reason = new Error(name);
      stopping.abort(reason);
      interrupted.reject(reason);
    });
  try {
    for (const part of parts) {
      const bench = new Bench(stopping.signal);
      try {
        await Promise.race([part(bench), interrupted.promise]);
      } finally {
        await bench.stop();
      }
    }
    console.log(
      `\n${new Date().toISOString().slice(0, 10)}, ${cpus().length.toString()} cores, load ${loadText()}, Node ${process.version}`,
    );
  } catch (error) {
    if (!stopping.signal.aborted) console.error(error);
    process.exitCode ??= 1;
  }
  process.exit(); // what was cut short may still wait for something
}

/** Of the last minute, and of the last five. */
function loadText(): string {
  return loadavg()
    .slice(0, 2)
    .map((load) => load.toFixed(1))
    .join(' ');
}
