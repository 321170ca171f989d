/** What the tests of the Redis driver have in common: a driver and a bare link at a server of the group. */
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { Connection, Driver } from '../../../src/lib/drivers/driver.ts';
import { parseAddress } from '../../../src/lib/drivers/redis/address.ts';
import { open } from '../../../src/lib/drivers/redis/index.ts';
import { Link } from '../../../src/lib/drivers/redis/link.ts';
import { addressOf } from '../../brokers/needs.ts';
import type { ServerName } from '../../brokers/needs.ts';

export const { signal } = new AbortController();

export interface AtServer {
  readonly driver: Driver;
  /** As any other program would speak to it. */
  readonly link: Link;
  readonly connection: Connection;
  /** A fresh stream, deleted after the test. */
  stream(name?: string): Promise<string>;
}

export async function atServer(
  context: TestContext,
  server: ServerName,
  settings: Readonly<Record<string, string>> = {},
): Promise<AtServer> {
  const stateFolder = await mkdtemp(join(tmpdir(), 'mqctl-redis-test-'));
  const connection: Connection = {
    url: addressOf(server),
    username: null,
    password: null,
    tls: null,
    sasl: null,
    managementUrl: null,
    addressMap: new Map(),
    settings,
  };
  const environment = { log: () => undefined, timeoutMs: 10_000, signal, stateFolder };
  const driver = await open(connection, environment);
  const link = new Link(parseAddress(connection), environment);
  const made: string[] = [];
  context.after(async () => {
    for (const stream of made) await link.ask(stream, ['DEL', stream], null);
    link.close();
    await driver.close();
    await rm(stateFolder, { recursive: true, force: true });
  });
  return {
    driver,
    link,
    connection,
    async stream(name = `test-${randomUUID()}`) {
      made.push(name);
      await driver.admin?.create(
        { channel: name, type: null, partitions: null, settings: {}, deadLetter: null },
        signal,
      );
      return name;
    },
  };
}
