/** Amazon SQS: standard and FIFO queues, on the emulator ElasticMQ. */
import { declaration } from '../../../src/lib/drivers/sqs/declaration.ts';
import { open } from '../../../src/lib/drivers/sqs/index.ts';
import type { Connection } from '../../../src/lib/drivers/driver.ts';
import { without } from '../../brokers/needs.ts';
import type { SystemUnderTest } from '../suite/system-under-test.ts';

const missing = without('sqs');
const address = new URL(process.env['MQCTL_TEST_SQS'] ?? 'http://127.0.0.1:9324');

const connectionTo = (endpoint: string): Connection => ({
  url: `sqs://us-east-1?endpoint=${endpoint}`,
  // The emulator takes any.
  username: 'access-key',
  password: 'secret-key',
  tls: null,
  sasl: null,
  managementUrl: null,
  addressMap: new Map(),
  settings: {},
});

const { publish, look } = declaration.facets;
const queues = {
  withoutHeaderTypes: [],
  // The emulator has no MaximumMessageSize: a megabyte is the most of all queues.
  tooLarge: { settings: {}, bytes: 1_048_577 },
  full: null,
  unroutable: null,
  dying: { settings: { maxReceiveCount: '2' }, after: 'deliveries' },
  keepsAborted: false,
  setting: { name: 'VisibilityTimeout', value: '45', other: '60', wrong: 'a while' },
  // A claim says itself how long it lasts.
  shortLease: {},
} as const;

export const system: SystemUnderTest = {
  name: 'sqs',
  emulator: 'emulator ElasticMQ',
  declaration,
  open,
  missing,
  connection: () => connectionTo(address.origin),
  // The emulator checks no keys: what AWS answers to wrong ones is in `refusals.sqs.test.ts`.
  wrongLogin: null,
  unreachable: () => connectionTo('http://127.0.0.1:1'),
  network: {
    host: address.hostname,
    port: Number(address.port),
    through: (port) => connectionTo(`http://127.0.0.1:${String(port)}`),
  },
  channels: [
    {
      ...queues,
      type: 'standard',
      narrowed: {
        publish: publish && {
          ...publish,
          orderUnit: 'none',
          properties: publish.properties.filter((name) => name !== 'deduplicationId'),
        },
        look: look && { costs: look.costs, positions: look.positions, partitions: look.partitions },
      },
      properties: () => ({ groupId: 'tenant-7', traceHeader: 'Root=1-5759e988-bd862e3fe1be46a994272793' }),
    },
    {
      ...queues,
      type: 'fifo',
      nameSuffix: '.fifo',
      narrowed: {},
      properties: () => ({
        groupId: 'order-7',
        deduplicationId: 'd-1',
        traceHeader: 'Root=1-5759e988-bd862e3fe1be46a994272793',
      }),
    },
  ],
};
