/** The embedded broker: a file, so there is neither a login nor a network. */
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { declaration } from '../../../src/lib/drivers/local/declaration.ts';
import { open } from '../../../src/lib/drivers/local/index.ts';
import type { Connection } from '../../../src/lib/drivers/driver.ts';
import { bytes } from '../suite/messages.ts';
import type { SystemUnderTest } from '../suite/system-under-test.ts';

const folder = mkdtempSync(join(tmpdir(), 'mqctl-local-'));
process.once('exit', () => rmSync(folder, { recursive: true, force: true }));

const noDatabase = join(folder, 'no-database');
writeFileSync(noDatabase, 'This file holds text and is no database.\n'.repeat(100));

const connectionTo = (path: string): Connection => ({
  url: `local:${path}`,
  username: null,
  password: null,
  tls: null,
  sasl: null,
  managementUrl: null,
  addressMap: new Map(),
  settings: {},
});

export const system: SystemUnderTest = {
  name: 'local',
  declaration,
  open,
  missing: false,
  connection: () => connectionTo(join(folder, 'broker.db')),
  wrongLogin: null,
  unreachable: () => connectionTo(noDatabase),
  network: null,
  channels: [
    {
      type: 'channel',
      narrowed: {},
      properties: () => ({
        contentType: 'application/json',
        contentEncoding: 'identity',
        deliveryMode: { type: 'uint8', value: '2' },
        priority: { type: 'uint8', value: '5' },
        correlationId: 'c-1',
        replyTo: 'answers',
        expiration: '60000',
        messageId: 'm-1',
        timestamp: { type: 'timestamp', value: '1700000000' },
        type: 'order',
        userId: 'guest',
        appId: 'shop',
        clusterId: null,
        exchange: 'orders',
        routingKey: bytes('not text'),
        groupId: 'g',
        deduplicationId: 'd',
        fields: [{ name: 'a', value: bytes('1') }],
      }),
      withoutHeaderTypes: [],
      tooLarge: { settings: { 'max.message.bytes': '1000' }, bytes: 1_001 },
      full: { settings: { 'max.messages': '5' }, holds: 5 },
      unroutable: null,
      dying: { settings: { 'max.deliveries': '2' }, after: 'deliveries' },
      keepsAborted: false,
      setting: { name: 'max.deliveries', value: '7', other: '9', wrong: 'many' },
      shortLease: { 'lease.ms': '500' },
    },
  ],
};
