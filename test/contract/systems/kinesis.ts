/** Amazon Kinesis, as the emulator kinesis-local shows it. */
import { declaration } from '../../../src/lib/drivers/kinesis/declaration.ts';
import { open } from '../../../src/lib/drivers/kinesis/index.ts';
import type { Connection } from '../../../src/lib/drivers/driver.ts';
import { without } from '../../brokers/needs.ts';
import type { SystemUnderTest } from '../suite/system-under-test.ts';

const missing = without('kinesis');
const address = new URL(process.env['MQCTL_TEST_KINESIS'] ?? 'http://127.0.0.1:4568');

export const kinesisAt = (endpoint: string): Connection => ({
  url: `kinesis://eu-west-1?endpoint=${endpoint}`,
  username: 'test',
  password: 'secret-test',
  tls: null,
  sasl: null,
  managementUrl: null,
  addressMap: new Map(),
  settings: {},
});

export const system: SystemUnderTest = {
  name: 'kinesis',
  emulator: 'emulator kinesis-local',
  declaration,
  open,
  missing,
  connection: () => kinesisAt(address.origin),
  // The emulator takes every login: what AWS says to a wrong one is tested with answers as AWS gives them.
  wrongLogin: null,
  unreachable: () => kinesisAt('http://127.0.0.1:1'),
  network: {
    host: address.hostname,
    port: Number(address.port),
    through: (port) => kinesisAt(`http://127.0.0.1:${port}`),
  },
  channels: [
    {
      type: 'provisioned',
      narrowed: {},
      properties: () => ({}),
      withoutHeaderTypes: [],
      tooLarge: { settings: {}, bytes: 1_100_000 },
      full: null,
      unroutable: null,
      dying: null,
      keepsAborted: false,
      setting: { name: 'RetentionPeriodHours', value: '48', other: '72', wrong: 'for ever' },
      shortLease: null,
    },
  ],
};
