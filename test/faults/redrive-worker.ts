/**
 * Runs or resumes one redrive in a process of its own, which kills itself at a drawn position of the journal. Positions
 * are calls that write it: before and after each append and each sync, which is where what is known changes.
 *
 *     node redrive-worker.ts SYSTEM URL USER PASSWORD MANAGEMENT STATE-FOLDER CHANNEL TO JOB DIE-AT STEPS IN-FLIGHT LEASE-MS RESOLVED-TOPIC
 *
 * An empty word is none. Prints the job's id as soon as it is known, and the report at the end, each a line of JSON.
 */
import { writeSync } from 'node:fs';
import { flushCompileCache } from 'node:module';
import { declaration as kafka } from '../../src/lib/drivers/kafka/declaration.ts';
import type { Connection, Declaration, Driver, OpenDriver } from '../../src/lib/drivers/driver.ts';
import { declaration as kinesis } from '../../src/lib/drivers/kinesis/declaration.ts';
import { declaration as local } from '../../src/lib/drivers/local/declaration.ts';
import { declaration as nats } from '../../src/lib/drivers/nats/declaration.ts';
import { declaration as rabbitmq } from '../../src/lib/drivers/rabbitmq/declaration.ts';
import { declaration as redis } from '../../src/lib/drivers/redis/declaration.ts';
import { declaration as sqs } from '../../src/lib/drivers/sqs/declaration.ts';
import { prepareRedrive } from '../../src/lib/dlq/prepare-redrive.ts';
import { runRedrive } from '../../src/lib/dlq/redrive.ts';
import { reopenRedrive } from '../../src/lib/dlq/reopen-redrive.ts';
import { JournalFile } from '../../src/lib/store/journal-file.ts';
import { JobStore } from '../../src/lib/store/jobs.ts';
import { allOf, atFullSpeed } from './redrive-requests.ts';

const systemNames = ['local', 'kafka', 'rabbitmq', 'redis', 'sqs', 'nats', 'kinesis'] as const;
export type SystemName = (typeof systemNames)[number];

/** What the test tells the worker. */
export interface WorkOrder {
  readonly system: SystemName;
  readonly connection: Pick<Connection, 'url' | 'username' | 'password' | 'managementUrl' | 'resolvedTopic'>;
  readonly stateFolder: string;
  readonly channel: string;
  readonly to: string;
  /** null plans a new one. */
  readonly jobId: string | null;
  /** After so many writes to the journal it dies, or as soon as what was confirmed is kept there; null: it does not. */
  readonly dieAt: number | 'confirmed' | null;
  /** Keeps the engine from moving in one step, where the system could. */
  readonly inTwoSteps: boolean;
  readonly inFlight: number;
  /** Undefined: the system's own. */
  readonly leaseMs?: number;
}

export function wordsOf({ connection, ...order }: WorkOrder): string[] {
  const { url, username, password, managementUrl, resolvedTopic } = connection;
  return [
    order.system,
    url,
    username ?? '',
    password ?? '',
    managementUrl ?? '',
    order.stateFolder,
    order.channel,
    order.to,
    order.jobId ?? '',
    order.dieAt?.toString() ?? '',
    order.inTwoSteps ? 'two' : 'one',
    order.inFlight.toString(),
    order.leaseMs?.toString() ?? '',
    resolvedTopic ?? '',
  ];
}

function orderOf(words: readonly string[]): WorkOrder {
  const word = (at: number): string => words[at] ?? '';
  const orNull = (at: number): string | null => (word(at) === '' ? null : word(at));
  const system = systemNames.find((name) => name === word(0));
  if (system === undefined) throw new Error(`no system ${word(0)}`);
  const dieAt = orNull(9);
  return {
    system,
    connection: {
      url: word(1),
      username: orNull(2),
      password: orNull(3),
      managementUrl: orNull(4),
      resolvedTopic: orNull(13),
    },
    stateFolder: word(5),
    channel: word(6),
    to: word(7),
    jobId: orNull(8),
    dieAt: dieAt === null || dieAt === 'confirmed' ? dieAt : Number(dieAt),
    inTwoSteps: word(10) === 'two',
    inFlight: Number(word(11)),
    ...(orNull(12) !== null && { leaseMs: Number(word(12)) }),
  };
}

export const systems: Readonly<
  Record<SystemName, { declaration: Declaration; load: () => Promise<{ open: OpenDriver }> }>
> = {
  local: { declaration: local, load: () => import('../../src/lib/drivers/local/index.ts') },
  kafka: { declaration: kafka, load: () => import('../../src/lib/drivers/kafka/index.ts') },
  rabbitmq: { declaration: rabbitmq, load: () => import('../../src/lib/drivers/rabbitmq/index.ts') },
  redis: { declaration: redis, load: () => import('../../src/lib/drivers/redis/index.ts') },
  nats: { declaration: nats, load: () => import('../../src/lib/drivers/nats/index.ts') },
  sqs: { declaration: sqs, load: () => import('../../src/lib/drivers/sqs/index.ts') },
  kinesis: { declaration: kinesis, load: () => import('../../src/lib/drivers/kinesis/index.ts') },
};

/** Dies after so many calls that write the journal. */
export function dieAfter(writes: number): void {
  flushCompileCache(); // else each of fifty that die compiles everything again
  let left = writes;
  const step = (path: string): void => {
    if (!path.endsWith('/journal')) return;
    left -= 1;
    if (left <= 0) process.kill(process.pid, 'SIGKILL');
  };
  for (const name of ['append', 'sync'] as const) {
    const write: unknown = Reflect.get(JournalFile.prototype, name);
    if (typeof write !== 'function') throw new Error(`a journal has no ${name}`);
    Reflect.set(JournalFile.prototype, name, function (this: JournalFile, ...words: unknown[]): unknown {
      step(this.path);
      const done: unknown = Reflect.apply(write, this, words);
      if (done instanceof Promise) return done.then(() => step(this.path));
      step(this.path);
      return done;
    });
  }
}

/** Dies when the first that were confirmed are in the journal, on the disk: before they are settled. */
function dieWhenConfirmed(): void {
  const append: unknown = Reflect.get(JournalFile.prototype, 'append');
  const sync: unknown = Reflect.get(JournalFile.prototype, 'sync');
  if (typeof append !== 'function' || typeof sync !== 'function')
    throw new Error('a journal has no append, or no sync');
  let confirmed = false;
  Reflect.set(JournalFile.prototype, 'append', function (this: JournalFile, text: string): void {
    Reflect.apply(append, this, [text]);
    confirmed ||= text.startsWith('CONFIRMED ');
  });
  Reflect.set(JournalFile.prototype, 'sync', async function (this: JournalFile): Promise<void> {
    const kept = confirmed;
    await Reflect.apply(sync, this, []);
    if (kept) process.kill(process.pid, 'SIGKILL');
  });
}

function withoutAtomicMove(driver: Driver): Driver {
  return new Proxy(driver, {
    get(target, name) {
      if (name === 'atomicMove') return undefined;
      const value: unknown = Reflect.get(target, name);
      const bound: unknown = typeof value === 'function' ? value.bind(target) : value;
      return bound;
    },
  });
}

/** Written before anything else happens: the process may die at once. */
export function say(document: unknown): void {
  writeSync(1, `${JSON.stringify(document)}\n`);
}

async function work(order: WorkOrder): Promise<void> {
  const { declaration, load } = systems[order.system];
  const { open } = await load();
  const { signal } = new AbortController();
  const driver = await open(
    { ...order.connection, tls: null, sasl: null, addressMap: new Map(), settings: {} },
    { log: () => undefined, timeoutMs: 10_000, signal, stateFolder: order.stateFolder },
  );
  try {
    const source = { driver: order.inTwoSteps ? withoutAtomicMove(driver) : driver, declaration };
    const jobs = new JobStore(order.stateFolder);
    const prepared =
      order.jobId === null
        ? await prepareRedrive(source, jobs, allOf(order.channel, order.to), signal)
        : await reopenRedrive(source, jobs, order.jobId, order.channel);
    say(prepared.job.id);
    if (order.dieAt === 'confirmed') dieWhenConfirmed();
    else if (order.dieAt !== null) dieAfter(order.dieAt);
    const { report, error } = await runRedrive(
      source,
      jobs,
      prepared,
      { ...atFullSpeed(order.inFlight), leaseMs: order.leaseMs ?? null },
      signal,
    );
    if (error !== null) throw new Error('the run broke off', { cause: error });
    say(report);
  } finally {
    await driver.close();
  }
}

if (import.meta.main) await work(orderOf(process.argv.slice(2)));
