/** What the columns of Redis and Valkey have in common: everything but the server. */
import { declaration } from '../../../src/lib/drivers/redis/declaration.ts';
import { open } from '../../../src/lib/drivers/redis/index.ts';
import type { Connection } from '../../../src/lib/drivers/driver.ts';
import type { SystemUnderTest } from '../suite/system-under-test.ts';

const connectionTo = (host: string, change: Partial<Connection> = {}): Connection => ({
  url: `redis://${host}`,
  username: null,
  password: null,
  tls: null,
  sasl: null,
  managementUrl: null,
  addressMap: new Map(),
  // A lease that is short, so that what a cut connection held is free soon.
  settings: { minIdleMs: '2000' },
  ...change,
});

/** The system at an address such as `redis://127.0.0.1:6379`. */
export function redisAt(name: string, missing: string | false, url: string): SystemUnderTest {
  const address = new URL(url);
  return {
    name,
    declaration,
    open,
    missing,
    connection: () => connectionTo(address.host),
    wrongLogin: () => connectionTo(address.host, { username: 'nobody', password: 'wrong-secret' }),
    unreachable: () => connectionTo('127.0.0.1:1'),
    network: {
      host: address.hostname,
      port: Number(address.port),
      through: (port) => connectionTo(`127.0.0.1:${port}`),
    },
    channels: [
      {
        type: 'stream',
        narrowed: {},
        properties: () => ({ fields: 'value' }),
        withoutHeaderTypes: [],
        tooLarge: null,
        full: null,
        unroutable: null,
        dying: null,
        keepsAborted: false,
        setting: { name: 'none', value: '1', other: '2', wrong: 'x' },
        shortLease: {},
      },
    ],
  };
}
