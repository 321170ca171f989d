/** Replays in worker processes that are killed at drawn positions of their journal, and what must hold afterwards. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { Message } from '../../src/lib/message/message.ts';
import type { ReplayReport } from '../../src/lib/replay/run-replay.ts';
import type { Draw } from './redrive-kill.ts';
import type { ReplayOrder } from './replay-worker.ts';

export interface KilledReplay {
  readonly report: ReplayReport;
  /** How often it really was killed. */
  readonly kills: number;
}

/**
 * Runs, is killed, resumes, until it has been killed often enough or was faster; then to its end. `whenPlanned` is called once,
 * after the range was frozen and the first run was killed.
 */
export async function replayWithKills(
  context: TestContext,
  order: Omit<ReplayOrder, 'jobId' | 'dieAt'>,
  { kills, writes, draw }: { readonly kills: number; readonly writes: number; readonly draw: Draw },
  whenPlanned: () => Promise<void> = async () => undefined,
): Promise<KilledReplay> {
  let jobId: string | null = null;
  for (let killed = 0; ; killed += 1) {
    const dieAt: number | null = killed < kills ? draw.upTo(writes) : null;
    const said: Said = await replay(context, { ...order, jobId, dieAt });
    if (jobId === null) await whenPlanned();
    jobId = said.job ?? jobId;
    if (said.report !== null) return { report: said.report, kills: killed };
  }
}

export interface Said {
  readonly job: string | null;
  /** null where it was killed. */
  readonly report: ReplayReport | null;
}

export async function replay(context: TestContext, order: ReplayOrder): Promise<Said> {
  const child = spawn(
    process.execPath,
    [join(import.meta.dirname, 'replay-worker.ts'), JSON.stringify(order)],
    {
      stdio: ['ignore', 'pipe', 'pipe'],
    },
  );
  context.after(() => child.kill('SIGKILL'));
  let out = '';
  let errors = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text));
  const { promise, resolve, reject } = Promise.withResolvers<Said>();
  child.on('error', reject);
  child.on('close', (code, killedBy) => {
    if (killedBy !== 'SIGKILL' && code !== 0)
      return reject(new Error(`the worker ended with ${String(code)}: ${errors}`));
    let job: string | null = null;
    let report: ReplayReport | null = null;
    for (const line of out.split('\n')) {
      if (line === '') continue;
      const said: unknown = JSON.parse(line);
      if (typeof said === 'string') job = said;
      else if (isReport(said)) report = said;
    }
    resolve({ job, report });
  });
  return promise;
}

function isReport(said: unknown): said is ReplayReport {
  return typeof said === 'object' && said !== null && 'possibleDuplicateCount' in said;
}

/** `0:17`, or `17` where there are no partitions, of every offset that the journal names as published again. */
export async function named(journal: string): Promise<ReadonlySet<string>> {
  const names = new Set<string>();
  for (const line of (await readFile(journal, 'utf8')).split('\n')) {
    const again = / AGAIN (\{.*\})$/.exec(line)?.[1];
    if (again === undefined) continue;
    const places: unknown = JSON.parse(again);
    assert.ok(typeof places === 'object' && places !== null);
    for (const [partition, written] of Object.entries(places)) {
      const name = (offset: unknown): string =>
        partition === '' ? String(offset) : `${partition}:${String(offset)}`;
      if (Array.isArray(written)) for (const offset of written) names.add(name(offset));
      else
        for (const range of String(written).split(',')) {
          const [first = '', last = first] = range.split('-');
          for (let offset = Number(first); offset <= Number(last); offset += 1) names.add(name(offset));
        }
    }
  }
  return names;
}

/**
 * Each of `sent` is in `arrived`, twice only where that was named, and in its order: of a partition, or of whatever `orderOf` says.
 * Begun again where it was in doubt, it goes on in order from there. Answers with how many copies are too many.
 */
export async function assertReplayed(
  { report, kills }: KilledReplay,
  sent: readonly Message[],
  arrived: readonly Message[],
  inFlight: number,
  orderOf: (message: Message) => string = ({ partition }) => partition ?? '',
): Promise<number> {
  const { selected, published, failed, gone, inDoubt, remaining } = report;
  assert.deepEqual(
    { selected, published, failed, gone, inDoubt, remaining },
    { selected: sent.length, published: sent.length, failed: 0, gone: 0, inDoubt: 0, remaining: 0 },
  );
  const names = await named(report.journal);
  assert.equal(names.size, report.possibleDuplicateCount);
  assert.ok(names.size <= kills * 2 * inFlight);
  const textOf = ({ value }: Message): string => Buffer.from(value ?? []).toString();
  const originals = new Map(sent.map((message, at) => [textOf(message), { message, at }]));
  const seen = new Set<string>();
  const last = new Map<string, number>();
  let twice = 0;
  for (const message of arrived) {
    const original = originals.get(textOf(message));
    assert.ok(original !== undefined, `${textOf(message)} was not there when it was frozen`);
    const { partition, offset } = original.message;
    const name = partition === null ? String(offset) : `${partition}:${String(offset)}`;
    const order = orderOf(original.message);
    if (seen.has(textOf(message))) {
      twice += 1;
      assert.ok(names.has(name), `${name} is there twice and was not named`);
    } else assert.ok(original.at > (last.get(order) ?? -1), `${name} came out of order`);
    seen.add(textOf(message));
    last.set(order, original.at);
  }
  assert.equal(seen.size, sent.length, 'every message arrived');
  return twice;
}
