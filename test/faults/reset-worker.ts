/**
 * Resets a group in a process of its own, which kills itself at the given call that sets positions: before it, when half of
 * them are set, or after it.
 *
 *     node reset-worker.ts ORDER      a ResetOrder as JSON
 */
import type { Connection } from '../../src/lib/drivers/driver.ts';
import { applyMoves, planReset } from '../../src/lib/operations/change-positions.ts';
import type { DriverWith } from '../../src/lib/drivers/driver.ts';
import { systems } from './redrive-worker.ts';
import type { SystemName } from './redrive-worker.ts';

export interface ResetOrder {
  readonly system: SystemName;
  readonly connection: Pick<Connection, 'url' | 'username' | 'password' | 'managementUrl'>;
  readonly stateFolder: string;
  readonly group: string;
  readonly channels: readonly string[];
  readonly dieAt: { readonly call: number; readonly when: 'before' | 'half' | 'after' };
}

async function work({ system, connection, stateFolder, group, channels, dieAt }: ResetOrder): Promise<void> {
  const { signal } = new AbortController();
  const { open } = await systems[system].load();
  const driver = await open(
    { ...connection, tls: null, sasl: null, addressMap: new Map(), settings: {} },
    { log: () => undefined, timeoutMs: 10_000, signal, stateFolder },
  );
  const { positions } = driver;
  if (positions === undefined) throw new Error('no positions');
  let call = 0;
  const dying: DriverWith<'positions'> = {
    target: driver.target,
    channels: driver.channels.bind(driver),
    describe: driver.describe.bind(driver),
    close: driver.close.bind(driver),
    positions: {
      read: positions.read.bind(positions),
      plan: positions.plan.bind(positions),
      set: async (of, changes, ending) => {
        call += 1;
        if (call === dieAt.call && dieAt.when === 'before') process.kill(process.pid, 'SIGKILL');
        const half = call === dieAt.call && dieAt.when === 'half';
        const some = half ? changes.slice(0, changes.length / 2) : changes;
        const outcomes = await positions.set(of, some, ending);
        if (call === dieAt.call) process.kill(process.pid, 'SIGKILL');
        return outcomes;
      },
    },
  };
  const to = { every: { kind: 'end', shift: 0n } } as const;
  const prepared = await planReset(
    dying,
    group,
    channels.map((channel) => ({ channel, to })),
    false,
    signal,
  );
  await applyMoves(dying, prepared, { stateFolder, context: 'test', reason: null }, signal);
  await driver.close();
}

function isOrder(order: unknown): order is ResetOrder {
  return typeof order === 'object' && order !== null && 'group' in order && 'dieAt' in order;
}

const order: unknown = JSON.parse(process.argv[2] ?? '');
if (!isOrder(order)) throw new Error('what is to be reset?');
await work(order);
