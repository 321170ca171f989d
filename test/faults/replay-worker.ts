/**
 * Plans or resumes one replay in a process of its own, which kills itself at a drawn position of the journal.
 *
 *     node replay-worker.ts ORDER      a ReplayOrder as JSON
 *
 * Prints the job's id as soon as it is known, and the report at the end, each a line of JSON.
 */
import { realClock } from '../../src/lib/dlq/clock.ts';
import { keepReplay, planReplay } from '../../src/lib/replay/plan-replay.ts';
import type { ReplayEnd } from '../../src/lib/replay/plan-replay.ts';
import { reopenReplay, runReplay } from '../../src/lib/replay/run-replay.ts';
import { dieAfter, say, systems } from './redrive-worker.ts';
import type { SystemName } from './redrive-worker.ts';

export interface ReplayOrderEnd {
  readonly system: SystemName;
  readonly url: string;
  readonly channel: string;
  /** Left out where it takes everybody. */
  readonly username?: string;
  readonly password?: string;
}

export interface ReplayOrder {
  readonly source: ReplayOrderEnd;
  readonly destination: ReplayOrderEnd;
  readonly stateFolder: string;
  /** null plans a new one. */
  readonly jobId: string | null;
  /** After so many writes to the journal it dies; null: it does not. */
  readonly dieAt: number | null;
  readonly inFlight: number;
  readonly keepPartition: boolean;
}

const { signal } = new AbortController();

async function endOf(
  { system, url, channel, username, password }: ReplayOrderEnd,
  stateFolder: string,
): Promise<ReplayEnd> {
  const { declaration, load } = systems[system];
  const { open } = await load();
  const connection = {
    url,
    username: username ?? null,
    password: password ?? null,
    managementUrl: null,
    tls: null,
    sasl: null,
    addressMap: new Map<string, string>(),
    settings: {},
  };
  const driver = await open(connection, { log: () => undefined, timeoutMs: 10_000, signal, stateFolder });
  return { driver, declaration, channel };
}

async function work(order: ReplayOrder): Promise<void> {
  const { stateFolder, jobId, dieAt, inFlight, keepPartition } = order;
  const source = await endOf(order.source, stateFolder);
  const destination = await endOf(order.destination, stateFolder);
  const keep = (): boolean => true;
  try {
    const { target } = source.driver;
    const job =
      jobId === null
        ? await keepReplay(
            stateFolder,
            await planReplay(
              source,
              destination,
              {
                from: { every: { kind: 'start', shift: 0n } },
                until: null,
                partitions: null,
                filter: null,
                keep,
                keepPartition,
                keepTimestamp: false,
                to: destination.channel,
              },
              signal,
            ),
            { context: 'test', reason: null },
          )
        : (await reopenReplay(stateFolder, jobId, source.channel, target)).job;
    say(job.id);
    if (dieAt !== null) dieAfter(dieAt);
    const options = {
      ratePerSecond: null,
      inFlight,
      keep,
      clock: realClock,
      onProgress: () => undefined,
      onNote: () => undefined,
    };
    say(await runReplay(source, destination, stateFolder, job, options, signal));
  } finally {
    await source.driver.close();
    await destination.driver.close();
  }
}

function isOrder(order: unknown): order is ReplayOrder {
  return typeof order === 'object' && order !== null && 'source' in order && 'destination' in order;
}

if (import.meta.main) {
  const order: unknown = JSON.parse(process.argv[2] ?? '');
  if (!isOrder(order)) throw new Error('what is to be replayed?');
  await work(order);
}
