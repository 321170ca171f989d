import assert from 'node:assert/strict';
import test from 'node:test';
import { UsageError } from '../../../src/lib/errors.ts';
import { parseAddress } from '../../../src/lib/drivers/redis/address.ts';
import { open } from '../../../src/lib/drivers/redis/index.ts';
import type { Connection } from '../../../src/lib/drivers/driver.ts';
import { without } from '../../brokers/needs.ts';
import { startRedis, startSentinel } from '../../brokers/redis.ts';
import { signal } from './redis-server.ts';

const skip = without('redis');

const connectionTo = (url: string, change: Partial<Connection> = {}): Connection => ({
  url,
  username: null,
  password: null,
  tls: null,
  sasl: null,
  managementUrl: null,
  addressMap: new Map(),
  settings: {},
  ...change,
});
const opened = (connection: Connection) =>
  open(connection, { log: () => undefined, timeoutMs: 10_000, signal, stateFolder: '/nowhere' });

test(
  'a sentinel leads to the primary, with the login of the primary; without a name it says which ones there are',
  { skip },
  async (t) => {
    const primary = await startRedis({ settings: ['requirepass secret-of-primary'] });
    t.after(() => primary.stop());
    const sentinel = await startSentinel('shop', primary, ['sentinel auth-pass shop secret-of-primary']);
    t.after(() => sentinel.stop());
    const url = `redis://127.0.0.1:9,${new URL(sentinel.address).host}?sentinel=shop`;
    assert.equal(parseAddress(connectionTo(url)).sentinel?.primary, 'shop');
    const driver = await opened(connectionTo(url, { password: 'secret-of-primary' }));
    t.after(() => driver.close());
    const channel = 'of-the-primary';
    await driver.admin?.create(
      { channel, type: null, partitions: null, settings: {}, deadLetter: null },
      signal,
    );
    assert.match(
      await primary.ask('-a', 'secret-of-primary', '--no-auth-warning', 'TYPE', channel),
      /stream/,
    );

    await assert.rejects(opened(connectionTo(sentinel.address)), (error: unknown) => {
      assert.ok(error instanceof UsageError, String(error));
      assert.match(`${error.message} ${error.hint ?? ''}`, /sentinel.*shop/);
      return true;
    });
    await assert.rejects(
      opened(connectionTo(`${sentinel.address}?sentinel=nobody`)),
      /know no primary "nobody"/,
    );
  },
);
