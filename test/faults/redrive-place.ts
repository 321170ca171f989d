/** A state folder and a driver at a real server, for one test; they and the channels that it named are gone after it. */
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { Connection, Driver } from '../../src/lib/drivers/driver.ts';
import type { SystemUnderTest } from '../contract/suite/system-under-test.ts';

export interface RedrivePlace {
  readonly driver: Driver;
  readonly stateFolder: string;
  readonly connection: Connection;
}

/** `channels` need not be there yet: the test makes them, as its system wants them. */
export async function redrivePlace(
  context: TestContext,
  system: SystemUnderTest,
  channels: readonly string[],
  connection = system.connection(),
): Promise<RedrivePlace> {
  const { signal } = new AbortController();
  const stateFolder = await mkdtemp(join(tmpdir(), 'mqctl-redrive-'));
  const environment = { log: () => undefined, timeoutMs: 10_000, signal, stateFolder };
  const driver = await system.open(connection, environment);
  context.after(async () => {
    for (const channel of channels) await driver.admin?.delete(channel, signal).catch(() => undefined);
    await driver.close();
    await rm(stateFolder, { recursive: true, force: true });
  });
  return { driver, stateFolder, connection };
}
