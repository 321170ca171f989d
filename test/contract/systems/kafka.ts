/** Apache Kafka 4. */
import { declaration } from '../../../src/lib/drivers/kafka/declaration.ts';
import { open } from '../../../src/lib/drivers/kafka/index.ts';
import type { Connection } from '../../../src/lib/drivers/driver.ts';
import { without } from '../../brokers/needs.ts';
import type { SystemUnderTest } from '../suite/system-under-test.ts';

const missing = without('kafka');
const address = process.env['MQCTL_TEST_KAFKA'] ?? '127.0.0.1:9092';
const [host = '', port = ''] = address.split(':');

const connectionTo = (
  bootstrap: string,
  addressMap: ReadonlyMap<string, string> = new Map(),
): Connection => ({
  url: `kafka://${bootstrap}`,
  username: null,
  password: null,
  tls: null,
  sasl: null,
  managementUrl: null,
  addressMap,
  settings: {},
});

export const system: SystemUnderTest = {
  name: 'kafka',
  declaration,
  open,
  missing,
  connection: () => connectionTo(address),
  // This one has no logins: those of the secure one have tests of their own.
  wrongLogin: null,
  unreachable: () => connectionTo('127.0.0.1:1'),
  network: {
    host,
    port: Number(port),
    // The broker tells its clients its own address: the map leads them through the proxy.
    through: (proxy) => connectionTo(`127.0.0.1:${proxy}`, new Map([[address, `127.0.0.1:${proxy}`]])),
  },
  channels: [
    {
      type: 'topic',
      narrowed: {},
      properties: () => ({}),
      withoutHeaderTypes: [],
      tooLarge: { settings: { 'max.message.bytes': '2000' }, bytes: 3_000 },
      full: null,
      unroutable: null,
      dying: null,
      keepsAborted: true,
      setting: { name: 'retention.ms', value: '3600000', other: '7200000', wrong: 'for ever' },
      shortLease: null,
    },
  ],
};
