/**
 * Changes a setting in a process of its own, which kills itself before or after the broker was told.
 *
 *     node settings-worker.ts ORDER      a SettingsOrder as JSON
 */
import type { Connection } from '../../src/lib/drivers/driver.ts';
import { applySettings, planSettings } from '../../src/lib/operations/change-settings.ts';
import { systems } from './redrive-worker.ts';
import type { SystemName } from './redrive-worker.ts';

export interface SettingsOrder {
  readonly system: SystemName;
  readonly connection: Pick<Connection, 'url' | 'username' | 'password' | 'managementUrl'>;
  readonly stateFolder: string;
  readonly channel: string;
  readonly setting: { readonly name: string; readonly value: string };
  readonly dieAt: 'before' | 'after';
}

async function work({ system, connection, stateFolder, channel, setting, dieAt }: SettingsOrder) {
  const { signal } = new AbortController();
  const { open } = await systems[system].load();
  const driver = await open(
    { ...connection, tls: null, sasl: null, addressMap: new Map(), settings: {} },
    { log: () => undefined, timeoutMs: 10_000, signal, stateFolder },
  );
  const { admin } = driver;
  if (admin === undefined) throw new Error('no settings');
  const dying = {
    target: driver.target,
    channels: driver.channels.bind(driver),
    describe: driver.describe.bind(driver),
    close: driver.close.bind(driver),
    admin: {
      create: admin.create.bind(admin),
      delete: admin.delete.bind(admin),
      purge: admin.purge.bind(admin),
      settings: admin.settings.bind(admin),
      alter: async (...words: Parameters<typeof admin.alter>) => {
        const changes = !words[0].checkOnly;
        if (changes && dieAt === 'before') process.kill(process.pid, 'SIGKILL');
        await admin.alter(...words);
        if (changes) process.kill(process.pid, 'SIGKILL');
      },
    },
  };
  const prepared = await planSettings(dying, channel, { [setting.name]: setting.value }, signal);
  await applySettings(dying, prepared, { stateFolder, context: 'test', reason: null }, signal);
  await driver.close();
}

function isOrder(order: unknown): order is SettingsOrder {
  return typeof order === 'object' && order !== null && 'setting' in order && 'dieAt' in order;
}

const order: unknown = JSON.parse(process.argv[2] ?? '');
if (!isOrder(order)) throw new Error('what is to be set?');
await work(order);
