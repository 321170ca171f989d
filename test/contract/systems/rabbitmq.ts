/** RabbitMQ 4: quorum and classic queues, and streams. */
import { declaration } from '../../../src/lib/drivers/rabbitmq/declaration.ts';
import { open } from '../../../src/lib/drivers/rabbitmq/index.ts';
import type { Connection } from '../../../src/lib/drivers/driver.ts';
import type { Properties } from '../../../src/lib/message/message.ts';
import { without } from '../../brokers/needs.ts';
import { readByName, storeSettled } from '../rabbitmq/stream-clients.ts';
import { message } from '../suite/messages.ts';
import type { SystemUnderTest } from '../suite/system-under-test.ts';

const missing = without('rabbitmq');
const address = new URL(process.env['MQCTL_TEST_RABBITMQ'] ?? 'amqp://guest:guest@127.0.0.1:5672/');

const login = {
  username: decodeURIComponent(address.username),
  password: decodeURIComponent(address.password),
};
const vhost = address.pathname;

const connectionTo = (host: string, change: Partial<Connection> = {}): Connection => ({
  url: `amqp://${host}${vhost}`,
  ...login,
  tls: null,
  sasl: null,
  managementUrl: process.env['MQCTL_TEST_RABBITMQ_MANAGEMENT'] ?? null,
  addressMap: new Map(),
  settings: {},
  ...change,
});

/** All 14 of AMQP 0-9-1, `userId` with the login that the server checks it against, and how it came. */
const properties = (channel: string): Properties => ({
  headers: { type: 'table', value: [] },
  contentType: 'application/json',
  contentEncoding: 'identity',
  deliveryMode: { type: 'uint8', value: '2' },
  priority: { type: 'uint8', value: '5' },
  correlationId: 'c-1',
  replyTo: 'answers',
  expiration: '3600000',
  messageId: 'm-1',
  timestamp: { type: 'timestamp', value: '1700000000' },
  type: 'order',
  userId: login.username,
  appId: 'shop',
  clusterId: 'c',
  exchange: '',
  routingKey: channel,
});

/** A stream refuses `clusterId`, and cannot tell an empty table of headers from none. */
const notInStreams = ['clusterId', 'headers'];
const streamProperties = (channel: string): Properties =>
  Object.fromEntries(Object.entries(properties(channel)).filter(([name]) => !notInStreams.includes(name)));

const unroutable = {
  channel: 'exchange:amq.direct',
  message: message('lost', { properties: { routingKey: 'nobody-is-bound' } }),
};
const setting = { name: 'max-length-bytes', value: '5000000', other: '6000000', wrong: 'a lot' };
const queues = { tooLarge: null, unroutable, properties, keepsAborted: false, setting, shortLease: null };
const full = { settings: { 'x-max-length': '5', 'x-overflow': 'reject-publish' }, holds: 5 };
const { publish, look, backlog, admin } = declaration.facets;
const positions = ['start'] as const;

export const system: SystemUnderTest = {
  name: 'rabbitmq',
  declaration,
  open,
  missing,
  connection: () => connectionTo(address.host),
  wrongLogin: () => connectionTo(address.host, { password: 'wrong-secret' }),
  unreachable: () => connectionTo('127.0.0.1:1'),
  network: {
    host: address.hostname,
    port: Number(address.port),
    through: (port) => connectionTo(`127.0.0.1:${port}`),
  },
  channels: [
    {
      ...queues,
      type: 'quorum',
      withoutHeaderTypes: [],
      narrowed: {
        look: look && { ...look, costs: ['delivery'], positions },
        positions: undefined,
        backlog: backlog && { ...backlog, oldest: 'none' },
      },
      full,
      dying: { settings: { 'x-delivery-limit': '2' }, after: 'deliveries' },
    },
    {
      ...queues,
      type: 'classic',
      withoutHeaderTypes: [],
      narrowed: { look: look && { ...look, costs: ['delivery'], positions }, positions: undefined },
      full,
      dying: { settings: { 'x-message-ttl': '100' }, after: 'waiting' },
    },
    {
      ...queues,
      type: 'stream',
      // A stream stores AMQP 1.0: the first three are refused, bytes become text.
      withoutHeaderTypes: ['array', 'table', 'decimal', 'bytes'],
      narrowed: {
        publish: publish && {
          ...publish,
          properties: publish.properties.filter((name) => !notInStreams.includes(name)),
        },
        look: look && { ...look, costs: ['free'] },
        claim: undefined,
        backlog: backlog && { ...backlog, group: 'group', rates: 'none', redeliveries: false },
        lease: undefined,
        deadLetters: undefined,
        admin: admin && { ...admin, deadLetter: false, purge: false },
      },
      properties: streamProperties,
      readers: { stand: storeSettled, join: readByName },
      full: null,
      dying: null,
    },
  ],
};
