/**
 * A redrive of a million dead letters in the embedded broker: how long until its report is there, and how long until one that
 * was killed half-way goes on. Whole processes.
 *
 *     npm run build && node bench/large-job.ts [MESSAGES]
 */
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, readdir, rm, stat } from 'node:fs/promises';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { cleanEnvironment } from '../test/cli/run-mqctl.ts';

const count = Number(process.argv[2] ?? 1_000_000);
const program = join(import.meta.dirname, '..', 'bin', 'run.js');
const folder = await mkdtemp(join(tmpdir(), 'mqctl-bench-'));
const shop = ['-c', 'local:shop.db'];
const redrive = ['dlq', 'redrive', 'orders.dlq', ...shop, '--yes', '--rate', 'max', '--no-canary'];

try {
  await done(['produce', 'orders.dlq', '--create', ...shop], numbers());
  await done(['create', 'orders', ...shop]);

  const first = start([...redrive, '--all', '--to', 'orders']);
  const planned = await grown(0);
  // A journal has about half a byte for each message of such a run.
  while ((await journalSize()) < planned + count / 4) await sleep(50);
  first.kill('SIGKILL');
  await once(first, 'exit');

  const left = await journalSize();
  let began = performance.now();
  const second = start([...redrive, '--resume', 'last']);
  await grown(left);
  say('killed, until a resume goes on', performance.now() - began);
  await once(second, 'exit');

  began = performance.now();
  await done(['jobs', 'show', 'last']);
  say('jobs show, when it is done', performance.now() - began);
  console.log(
    `${count.toLocaleString('en')} messages, load ${loadavg()[0]?.toFixed(1) ?? '?'} on ${cpus().length.toString()} cores, Node ${process.version}`,
  );
} finally {
  await rm(folder, { recursive: true, force: true });
}

function* numbers(): Generator<string> {
  for (let number = 0; number < count; number += 1) yield `message ${number.toString()}\n`;
}

function start(words: readonly string[]): ChildProcess {
  return spawn(process.execPath, [program, ...words], {
    cwd: folder,
    env: cleanEnvironment(folder),
    stdio: ['pipe', 'ignore', 'ignore'],
  });
}

async function done(words: readonly string[], lines: Iterable<string> = []): Promise<void> {
  const child = start(words);
  const ended = once(child, 'exit');
  for (const line of lines) if (child.stdin?.write(line) === false) await once(child.stdin, 'drain');
  child.stdin?.end();
  await ended;
  if (child.exitCode !== 0) throw new Error(`mqctl ${words.join(' ')}: exit ${String(child.exitCode)}`);
}

/** Resolves with its size as soon as the job's journal is larger than this. */
async function grown(size: number): Promise<number> {
  for (;;) {
    const now = await journalSize();
    if (now > size) return now;
    await sleep(10);
  }
}

async function journalSize(): Promise<number> {
  const files = await readdir(folder, { recursive: true });
  const journal = files.find((file) => file.endsWith('/journal'));
  return journal === undefined ? 0 : (await stat(join(folder, journal))).size;
}

function say(what: string, milliseconds: number): void {
  console.log(`${what.padEnd(40)}${(milliseconds / 1_000).toFixed(2)} s`);
}
