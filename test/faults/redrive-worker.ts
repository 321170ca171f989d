/**
 * Runs or resumes one redrive in a process of its own, which kills itself at a drawn position of the journal. Positions
 * are calls that write it: before and after each append and each sync, which is where what is known changes.
 *
 *     node redrive-worker.ts '{"system":"local","connection":{…},"stateFolder":"…","jobId":null,…}'
 *
 * Prints the job's id as soon as it is known, and the report at the end, each as a line of JSON.
 */
import { writeSync } from 'node:fs';
import { declaration as kafka } from '../../src/lib/drivers/kafka/declaration.ts';
import type { Connection, Declaration, Driver, OpenDriver } from '../../src/lib/drivers/driver.ts';
import { declaration as local } from '../../src/lib/drivers/local/declaration.ts';
import { declaration as rabbitmq } from '../../src/lib/drivers/rabbitmq/declaration.ts';
import { realClock } from '../../src/lib/dlq/clock.ts';
import { prepareRedrive, reopenRedrive, runRedrive } from '../../src/lib/dlq/redrive.ts';
import { JournalFile } from '../../src/lib/store/journal-file.ts';
import { JobStore } from '../../src/lib/store/jobs.ts';

export type SystemName = 'local' | 'kafka' | 'rabbitmq';

/** What the test tells the worker. */
export interface WorkOrder {
  readonly system: SystemName;
  readonly connection: Omit<Connection, 'addressMap'>;
  readonly stateFolder: string;
  readonly channel: string;
  readonly to: string;
  /** null plans a new one. */
  readonly jobId: string | null;
  /** After so many writes to the journal it dies; null: it does not. */
  readonly dieAt: number | null;
  /** Keeps the engine from moving in one step, where the system could. */
  readonly inTwoSteps: boolean;
  readonly inFlight: number;
}

const systems: Readonly<
  Record<SystemName, { declaration: Declaration; load: () => Promise<{ open: OpenDriver }> }>
> = {
  local: { declaration: local, load: () => import('../../src/lib/drivers/local/index.ts') },
  kafka: { declaration: kafka, load: () => import('../../src/lib/drivers/kafka/index.ts') },
  rabbitmq: { declaration: rabbitmq, load: () => import('../../src/lib/drivers/rabbitmq/index.ts') },
};

function dieAfter(writes: number): void {
  let left = writes;
  const step = (path: string): void => {
    if (!path.endsWith('/journal')) return;
    left -= 1;
    if (left <= 0) process.kill(process.pid, 'SIGKILL');
  };
  const { append, sync } = JournalFile.prototype;
  JournalFile.prototype.append = function (text) {
    step(this.path);
    append.call(this, text);
    step(this.path);
  };
  JournalFile.prototype.sync = async function () {
    step(this.path);
    await sync.call(this);
    step(this.path);
  };
}

function withoutAtomicMove(driver: Driver): Driver {
  return new Proxy(driver, {
    get(target, name) {
      if (name === 'atomicMove') return undefined;
      const value: unknown = Reflect.get(target, name);
      return typeof value === 'function' ? value.bind(target) : value;
    },
  });
}

/** Written before anything else happens: the process may die at once. */
function say(document: unknown): void {
  writeSync(1, `${JSON.stringify(document)}\n`);
}

async function work(order: WorkOrder): Promise<void> {
  const { declaration, load } = systems[order.system];
  const { open } = await load();
  const { signal } = new AbortController();
  const driver = await open(
    { ...order.connection, addressMap: new Map() },
    { log: () => undefined, timeoutMs: 10_000, signal, stateFolder: order.stateFolder },
  );
  try {
    const source = { driver: order.inTwoSteps ? withoutAtomicMove(driver) : driver, declaration };
    const jobs = new JobStore(order.stateFolder);
    const prepared =
      order.jobId === null
        ? await prepareRedrive(
            source,
            jobs,
            {
              channel: order.channel,
              selection: { keep: () => true, ids: null, causes: null, everything: true, limit: null },
              to: order.to,
              keepHeaders: 'none',
              maxRedrives: 3,
              treatAsNew: false,
              context: 'test',
              reason: null,
            },
            signal,
          )
        : await reopenRedrive(source, jobs, order.jobId, order.channel);
    say({ job: prepared.job.id });
    if (order.dieAt !== null) dieAfter(order.dieAt);
    const { report, error } = await runRedrive(
      source,
      jobs,
      prepared,
      {
        ratePerSecond: null,
        inFlight: order.inFlight,
        canary: false,
        canaryWaitMs: null,
        takeOver: true,
        clock: realClock,
        onProgress: () => undefined,
        onNote: () => undefined,
      },
      signal,
    );
    if (error !== null) throw error;
    say({ report });
  } finally {
    await driver.close();
  }
}

if (import.meta.main) {
  const order: WorkOrder = JSON.parse(process.argv[2] ?? '');
  await work(order);
}
