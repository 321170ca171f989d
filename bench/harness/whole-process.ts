import { spawn } from 'node:child_process';
import { closeSync, openSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { cleanEnvironment } from '../../test/cli/run-mqctl.ts';
import { kafkaLibraries } from '../../test/brokers/kafka-libraries.ts';
import type { Bench } from './bench.ts';

/** What a process took from its start to its end. */
export interface Used {
  readonly seconds: number;
  /** On all cores together; as of at most 20 ms before its end. */
  readonly processorSeconds: number;
  /** The most memory it ever had (VmHWM). */
  readonly peakMiB: number;
}

export interface Command {
  readonly program: string;
  readonly words: readonly string[];
}

export interface Surroundings {
  /** Where it runs, with its own settings and state. */
  readonly folder: string;
  /** A file for its standard input; nothing where absent. */
  readonly input?: string;
  /** A file for its standard output; what it prints is dropped where absent. */
  readonly output?: string;
  /** Which end is no failure; 0 where absent. */
  readonly exitCode?: number;
}

const watchEveryMs = 20;
/** The kernel counts processor time in these; the same on every Linux that Node runs on. */
const ticksPerSecond = 100;
const mqctlProgram = join(import.meta.dirname, '..', '..', 'bin', 'run.js');

export function mqctl(...words: string[]): Command {
  return { program: process.execPath, words: [mqctlProgram, ...words] };
}

/** One of Kafka's own command line tools, with the memory that its scripts give it. */
export async function kafkaTool(mainClass: string, ...words: string[]): Promise<Command> {
  return {
    program: 'java',
    words: ['-Xmx512M', '-cp', join(await kafkaLibraries(), '*'), mainClass, ...words],
  };
}

/** Runs it to its end. Throws where that is not the wanted one, with what it said. */
export function run(bench: Bench, command: Command, surroundings: Surroundings): Promise<Used> {
  return startProcess(bench, command, surroundings).done;
}

export interface Running {
  /** Rejects where it does not end as wanted. */
  readonly done: Promise<Used>;
  /** SIGKILL; resolves when it is gone. */
  readonly kill: () => Promise<void>;
}

/** Starts it; it is killed where the bench ends before. */
export function startProcess(
  bench: Bench,
  { program, words }: Command,
  { folder, input, output, exitCode = 0 }: Surroundings,
): Running {
  bench.signal.throwIfAborted();
  const files = [openSync(input ?? '/dev/null', 'r'), openSync(output ?? '/dev/null', 'w')];
  const begun = performance.now();
  const child = spawn(program, words, {
    cwd: folder,
    env: cleanEnvironment(folder),
    stdio: [...files, 'pipe'],
  });
  files.forEach(closeSync);
  const kill = () => child.kill('SIGKILL');
  bench.signal.addEventListener('abort', kill);
  let watched = { processorSeconds: 0, peakMiB: 0 };
  const watching = setInterval(() => (watched = usedSoFar(child.pid) ?? watched), watchEveryMs);
  let said = '';
  child.stderr?.on('data', (chunk: Buffer) => (said = (said + chunk.toString()).slice(-4_000)));
  const ended = new Promise<number>((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', () => resolve((performance.now() - begun) / 1_000));
  }).finally(() => {
    clearInterval(watching);
    bench.signal.removeEventListener('abort', kill);
  });
  const done = ended.then((seconds) => {
    bench.signal.throwIfAborted();
    if (child.exitCode !== exitCode)
      throw new Error(`${[program, ...words].join(' ')}: exit ${String(child.exitCode)}\n${said}`);
    return { seconds, ...watched };
  });
  const gone = done.then(
    () => undefined,
    () => undefined, // whoever asked for what it does hears of it
  );
  return {
    done,
    kill: () => {
      kill();
      return gone;
    },
  };
}

/** null: it has ended. */
function usedSoFar(pid: number | undefined): Omit<Used, 'seconds'> | null {
  try {
    const status = readFileSync(`/proc/${String(pid)}/status`, 'utf8');
    const peak = /^VmHWM:\s+(\d+) kB$/m.exec(status)?.[1];
    // Behind the name, which may hold anything: the state is the first, utime the twelfth, stime the thirteenth.
    const [, rest = ''] = /.*\) (.*)/s.exec(readFileSync(`/proc/${String(pid)}/stat`, 'utf8')) ?? [];
    const fields = rest.split(' ');
    const ticks = Number(fields[11]) + Number(fields[12]);
    return peak === undefined
      ? null
      : { processorSeconds: ticks / ticksPerSecond, peakMiB: Number(peak) / 1024 };
  } catch {
    return null;
  }
}
