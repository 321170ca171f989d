/** Amazon SNS: standard and FIFO topics, and the queues beside them, on the emulator ministack. */
import { declaration } from '../../../src/lib/drivers/sns/declaration.ts';
import { open } from '../../../src/lib/drivers/sns/index.ts';
import type { Connection } from '../../../src/lib/drivers/driver.ts';
import { without } from '../../brokers/needs.ts';
import type { SystemUnderTest } from '../suite/system-under-test.ts';

const missing = without('sns');
const address = new URL(process.env['MQCTL_TEST_SNS'] ?? 'http://127.0.0.1:4566');

const connectionTo = (endpoint: string): Connection => ({
  url: `sns://us-east-1?endpoint=${endpoint}`,
  username: 'test',
  password: 'secret-test',
  tls: null,
  sasl: null,
  managementUrl: null,
  addressMap: new Map(),
  settings: {},
});

const { publish, look } = declaration.facets;
const topics = {
  withoutHeaderTypes: [],
  // A topic keeps nothing that the suite could look at: what was published is seen in tests of its own, through a queue.
  narrowed: { look: undefined, claim: undefined, backlog: undefined, deadLetters: undefined },
  tooLarge: { settings: {}, bytes: 256 * 1_024 + 1 },
  full: null,
  unroutable: null,
  dying: null,
  keepsAborted: false,
  setting: { name: 'DisplayName', value: 'Orders', other: 'Others', wrong: 'x'.repeat(101) },
  shortLease: null,
} as const;

export const system: SystemUnderTest = {
  name: 'sns',
  emulator: 'emulator ministack',
  declaration,
  open,
  missing,
  connection: () => connectionTo(address.origin),
  // The emulator checks no keys.
  wrongLogin: null,
  unreachable: () => connectionTo('http://127.0.0.1:1'),
  network: {
    host: address.hostname,
    port: Number(address.port),
    through: (port) => connectionTo(`http://127.0.0.1:${String(port)}`),
  },
  channels: [
    { ...topics, type: 'standard', properties: () => ({ groupId: 'g' }) },
    {
      ...topics,
      type: 'fifo',
      nameSuffix: '.fifo',
      properties: () => ({ groupId: 'g', deduplicationId: 'd' }),
    },
    {
      ...topics,
      type: 'standard',
      title: 'queue',
      namePrefix: 'queue:',
      listedByPattern: true,
      narrowed: {
        publish: publish && { ...publish, orderUnit: 'none', properties: ['groupId'] },
        look: look && { costs: ['lease'], positions: ['start'], partitions: false },
      },
      properties: () => ({ groupId: 'g' }),
      tooLarge: { settings: {}, bytes: 1_048_577 },
      setting: { name: 'VisibilityTimeout', value: '45', other: '60', wrong: 'a while' },
      shortLease: {},
    },
  ],
};
