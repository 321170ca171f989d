/** Redrives in worker processes that are killed at drawn positions of their journal, and what must hold afterwards. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { Driver } from '../../src/lib/drivers/driver.ts';
import type { Message, OutgoingMessage, Properties } from '../../src/lib/message/message.ts';
import type { RedriveReport } from '../../src/lib/dlq/report.ts';
import { journalKind } from '../../src/lib/dlq/journal.ts';
import { parseRanges } from '../../src/lib/dlq/ranges.ts';
import { readJournal } from '../../src/lib/store/journal-file.ts';
import { JobStore } from '../../src/lib/store/jobs.ts';
import { wordsOf, type WorkOrder } from './redrive-worker.ts';

/** The same seed draws the same positions. */
export class Draw {
  #state: number;

  constructor(seed: number) {
    this.#state = seed >>> 0;
  }

  /** From 1 to `most`. (mulberry32) */
  upTo(most: number): number {
    this.#state = (this.#state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return 1 + (((mixed ^ (mixed >>> 14)) >>> 0) % most);
  }
}

export function seedOf(context: TestContext): number {
  const seed = Number(process.env['MQCTL_TEST_SEED'] ?? Date.now() % 1_000_000);
  context.diagnostic(`seed ${seed.toString()}: MQCTL_TEST_SEED=${seed.toString()} draws the same kills`);
  return seed;
}

export interface KilledRun {
  readonly report: RedriveReport;
  /** How often it really was killed. */
  readonly kills: number;
  /** Of those, how many came while two batches or more were on their way, as the journal tells. */
  readonly severalOnTheirWay: number;
  /** Of messages that the report file names as possibly there twice: their ordinals. */
  readonly duplicates: readonly number[];
}

/** Runs, is killed, resumes, until it has been killed `kills` times or was faster; then to its end. */
export async function redriveWithKills(
  context: TestContext,
  order: Omit<WorkOrder, 'jobId' | 'dieAt'>,
  kills: number,
  writes: number,
  draw: Draw,
): Promise<KilledRun> {
  let jobId: string | null = null;
  let severalOnTheirWay = 0;
  for (let killed = 0; ; killed += 1) {
    const dieAt: number | null = killed < kills ? draw.upTo(writes) : null;
    const said = await work(context, { ...order, jobId, dieAt });
    jobId = said.job ?? jobId;
    if (said.report === null) {
      if (jobId !== null && (await batchesOnTheirWay(order.stateFolder, jobId)) > 1) severalOnTheirWay += 1;
      continue;
    }
    context.diagnostic(
      `${killed.toString()} kills, ${severalOnTheirWay.toString()} of them with two batches or more on their way`,
    );
    const duplicates = await possiblyTwice(said.report);
    return { report: said.report, kills: killed, severalOnTheirWay, duplicates };
  }
}

/** The ordinals of those that the report names as possibly there twice. */
export async function possiblyTwice({ reportFile }: RedriveReport): Promise<readonly number[]> {
  const lines = (await readFile(reportFile, 'utf8')).split('\n').filter((line) => line !== '');
  return lines
    .map(parsed)
    .filter(isLine)
    .flatMap((line) => (line.possibleDuplicate ? [line.ordinal] : []));
}

/** How many batches of the last run have their INTENT on the disk, and no answer to some of it. */
async function batchesOnTheirWay(stateFolder: string, jobId: string): Promise<number> {
  const path = join(new JobStore(stateFolder).folderOf(jobId), 'journal');
  let batches: Set<number>[] = [];
  for await (const lines of readJournal(path, journalKind))
    for (const { text } of lines) {
      const [word = '', ranges = ''] = text.split(' ');
      if (word === 'RUN') batches = [];
      const ordinals = (parseRanges(ranges, Number.MAX_SAFE_INTEGER) ?? []).flatMap(([first, last]) =>
        Array.from({ length: last - first + 1 }, (_, index) => first + index),
      );
      if (word === 'INTENT') batches.push(new Set(ordinals));
      else if (word === 'CONFIRMED' || word === 'DONE' || word === 'NOT-MOVED' || word === 'FAILED')
        for (const batch of batches) for (const ordinal of ordinals) batch.delete(ordinal);
    }
  return batches.filter(({ size }) => size > 0).length;
}

/** Runs a redrive that dies at that position of its journal; answers with its job. */
export async function killedOnce(
  context: TestContext,
  order: Omit<WorkOrder, 'jobId' | 'dieAt'>,
  dieAt: number | 'confirmed',
): Promise<string> {
  const { job, report } = await work(context, { ...order, jobId: null, dieAt });
  assert.ok(job !== null && report === null, 'it was killed');
  return job;
}

export interface Said {
  readonly job: string | null;
  /** null where it was killed. */
  readonly report: RedriveReport | null;
}

/** Rejects with what the worker said where it ended by itself without a report. */
export async function work(context: TestContext, order: WorkOrder): Promise<Said> {
  const child = spawn(process.execPath, [join(import.meta.dirname, 'redrive-worker.ts'), ...wordsOf(order)], {
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  context.after(() => child.kill('SIGKILL'));
  let out = '';
  let errors = '';
  child.stdout.setEncoding('utf8').on('data', (text: string) => (out += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text));
  const { promise, resolve, reject } = Promise.withResolvers<Said>();
  child.on('error', reject);
  child.on('close', (code, signal) => {
    if (signal !== 'SIGKILL' && code !== 0)
      return reject(new Error(`the worker ended with ${String(code)}: ${errors}`));
    let job: string | null = null;
    let report: RedriveReport | null = null;
    for (const line of out.split('\n')) {
      if (line === '') continue;
      const said = parsed(line);
      if (isReport(said)) report = said;
      else if (typeof said === 'string') job = said;
    }
    resolve({ job, report });
  });
  return promise;
}

function parsed(line: string): unknown {
  const document: unknown = JSON.parse(line);
  return document;
}

function isReport(said: unknown): said is RedriveReport {
  return typeof said === 'object' && said !== null && 'reportFile' in said;
}

export function isLine(
  said: unknown,
): said is { readonly ordinal: number; readonly possibleDuplicate: boolean } {
  return typeof said === 'object' && said !== null && 'ordinal' in said && 'possibleDuplicate' in said;
}

export async function fill(
  driver: Driver,
  channel: string,
  count: number,
  properties: (number: number) => Properties = () => ({}),
): Promise<void> {
  const { signal } = new AbortController();
  const publisher = await driver.publish?.open(
    { channel, delivery: 'at-least-once', compression: null },
    signal,
  );
  assert.ok(publisher);
  for (let start = 0; start < count; start += 500) {
    const size = Math.min(500, count - start);
    const outcomes = await publisher.send(
      Array.from({ length: size }, (_, index) => numbered(start + index, properties)),
    );
    assert.ok(outcomes.every(({ status }) => status === 'accepted'));
  }
  await publisher.close();
}

function numbered(number: number, properties: (number: number) => Properties): OutgoingMessage {
  return {
    key: null,
    value: Buffer.from(`message ${number.toString()}`),
    headers: [{ name: 'trace', value: Buffer.from(`t-${number.toString()}`) }],
    properties: properties(number),
    partition: null,
    timestamp: null,
  };
}

/** Everything that a channel holds, by looking where that is free, else by taking it. */
export async function everything(driver: Driver, channel: string): Promise<readonly Message[]> {
  const { signal } = new AbortController();
  const messages: Message[] = [];
  const appraisal = await driver.look?.appraise(channel, signal);
  if (appraisal?.cost === 'free' && driver.look !== undefined) {
    const looking = await driver.look.open(
      {
        channel,
        from: { every: { kind: 'start', shift: 0n } },
        until: null,
        follow: false,
        partitions: null,
        limit: null,
        uncommitted: false,
      },
      signal,
    );
    for await (const batch of looking.batches) messages.push(...batch);
    return messages;
  }
  const claiming = await driver.claim?.open(
    { channel, group: null, from: null, select: null, follow: false, window: 500, leaseMs: null },
    signal,
  );
  assert.ok(claiming);
  for await (const batch of claiming.batches) {
    if (batch.kind !== 'claimed') continue;
    messages.push(...batch.items.map(({ message }) => message));
    await claiming.settle(batch.items.map(({ claim }) => claim));
  }
  await claiming.close();
  return messages;
}

/** Nothing lost, every duplicate named, the report adds up. */
export function assertNothingLost(
  arrived: readonly Message[],
  count: number,
  run: Omit<KilledRun, 'severalOnTheirWay'>,
): void {
  const { report, duplicates } = run;
  const times = new Map<string, number>();
  const ordinals = new Map<string, number>();
  for (const { value, headers } of arrived) {
    const text = Buffer.from(value ?? []).toString();
    times.set(text, (times.get(text) ?? 0) + 1);
    const mark = headers.find(({ name }) => name === 'mqctl-redrive')?.value;
    assert.ok(mark instanceof Uint8Array, 'each carries the mark');
    ordinals.set(text, Number(/-(\d+);1$/.exec(Buffer.from(mark).toString())?.[1]));
  }
  assert.equal(times.size, count, 'every message arrived');
  const named = new Set(duplicates);
  const twice = [...times].filter(([, often]) => often > 1).map(([text]) => ordinals.get(text) ?? -1);
  assert.deepEqual(
    twice.filter((ordinal) => !named.has(ordinal)),
    [],
    'each that is there twice is named',
  );
  assert.ok(arrived.length - count <= duplicates.length * run.kills);
  assert.equal(report.moved, count);
  assert.equal(report.possibleDuplicateCount, duplicates.length);
  const { moved, failed, skipped, drifted, quarantined, inDoubt, remaining } = report;
  assert.equal(moved + failed + skipped + drifted + quarantined + inDoubt + remaining, report.selected);
}
