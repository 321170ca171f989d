/**
 * A redrive of a million dead letters in the embedded broker: how long until its report is there, and how long until one that
 * was killed half-way goes on. Whole processes.
 *
 *     npm run build && node bench/large-job.ts [MESSAGES]
 */
import { readdir, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { runBench, type Bench } from './harness/bench.ts';
import { tellGoal } from './harness/comparison.ts';
import { writeLines } from './harness/lines-file.ts';
import { mqctl, run, startProcess } from './harness/whole-process.ts';

const count = Number(process.argv[2] ?? 1_000_000);
const bytes = 16;
const mostSeconds = 3;
const shop = ['-c', 'local:shop.db'];
const redrive = ['dlq', 'redrive', 'orders.dlq', ...shop, '--yes', '--rate', 'max', '--no-canary'];

await runBench(async (bench) => {
  const folder = await bench.folder();
  const input = join(folder, 'input');
  await writeLines(input, count, bytes);
  await run(bench, mqctl('produce', 'orders.dlq', '--create', ...shop), { folder, input });
  await run(bench, mqctl('create', 'orders', ...shop), { folder });

  const first = startProcess(bench, mqctl(...redrive, '--all', '--to', 'orders'), { folder });
  const planned = await grown(bench, folder, 0);
  // A journal has about half a byte for each message of such a run.
  while ((await journalSize(folder)) < planned + count / 4) await sleep(50, undefined, bench);
  await first.kill();

  const left = await journalSize(folder);
  let began = performance.now();
  const second = startProcess(bench, mqctl(...redrive, '--resume', 'last'), { folder });
  await grown(bench, folder, left);
  tell('killed, until a resume goes on', performance.now() - began);
  const { peakMiB } = await second.done;
  console.log(`${count.toLocaleString('en')} messages, at most ${peakMiB.toFixed(0)} MiB while it resumed`);

  began = performance.now();
  await run(bench, mqctl('jobs', 'show', 'last'), { folder });
  tell('jobs show, when it is done', performance.now() - began);
});

/** Resolves with its size as soon as the job's journal is larger than this. */
async function grown(bench: Bench, folder: string, size: number): Promise<number> {
  for (;;) {
    const now = await journalSize(folder);
    if (now > size) return now;
    await sleep(10, undefined, bench);
  }
}

async function journalSize(folder: string): Promise<number> {
  const files = await readdir(folder, { recursive: true });
  const journal = files.find((file) => file.endsWith('/journal'));
  return journal === undefined ? 0 : (await stat(join(folder, journal))).size;
}

function tell(what: string, milliseconds: number): void {
  const seconds = milliseconds / 1_000;
  tellGoal(`${what}: at most ${mostSeconds.toString()} s`, seconds <= mostSeconds, `${seconds.toFixed(2)} s`);
}
