/** NATS with JetStream. */
import { declaration } from '../../../src/lib/drivers/nats/declaration.ts';
import { open } from '../../../src/lib/drivers/nats/index.ts';
import type { Connection } from '../../../src/lib/drivers/driver.ts';
import { without } from '../../brokers/needs.ts';
import type { SystemUnderTest } from '../suite/system-under-test.ts';

const missing = without('nats');
const address = new URL(process.env['MQCTL_TEST_NATS'] ?? 'nats://user:password@127.0.0.1:4222');

const connectionTo = (host: string, change: Partial<Connection> = {}): Connection => ({
  url: `nats://${host}`,
  username: address.username === '' ? null : decodeURIComponent(address.username),
  password: address.password === '' ? null : decodeURIComponent(address.password),
  tls: null,
  sasl: null,
  managementUrl: null,
  addressMap: new Map(),
  settings: {},
  ...change,
});

const { publish } = declaration.facets;

export const system: SystemUnderTest = {
  name: 'nats',
  declaration,
  open,
  missing,
  connection: () => connectionTo(address.host),
  wrongLogin: () => connectionTo(address.host, { password: 'wrong-secret' }),
  unreachable: () => connectionTo('127.0.0.1:1'),
  network: {
    host: address.hostname,
    port: Number(address.port),
    through: (port) => connectionTo(`127.0.0.1:${String(port)}`),
  },
  channels: [
    {
      type: 'stream',
      // A time to live is refused where the stream was not made for it.
      narrowed: {
        publish: publish && {
          ...publish,
          properties: publish.properties.filter((name) => name !== 'ttl'),
        },
      },
      properties: (channel) => ({ subject: channel, messageId: 'm-1' }),
      withoutHeaderTypes: [],
      tooLarge: { settings: { max_msg_size: '1000' }, bytes: 1_100 },
      full: { settings: { max_msgs: '5', discard: 'new' }, holds: 5 },
      unroutable: null,
      dying: null,
      keepsAborted: false,
      setting: { name: 'max_age', value: '1h', other: '2h', wrong: 'for ever' },
      shortLease: {},
    },
  ],
};
