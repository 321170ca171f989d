import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Message } from '../../../src/lib/message/message.ts';
import { messageEnvironment } from '../../../src/lib/operations/message-environment.ts';

const message: Message = {
  channel: 'orders',
  partition: '0',
  offset: '42',
  id: null,
  timestamp: Date.UTC(2026, 10, 20, 10),
  timestampType: 'create',
  key: Buffer.from('k1'),
  value: Buffer.from('v'),
  headers: [
    { name: 'trace', value: Buffer.from('a\0b') },
    { name: 'n', value: { type: 'int64', value: '7' } },
  ],
  properties: { contentType: 'text/plain' },
  delivery: { count: 2, redelivered: true },
  deadLetter: null,
};
const first = { attempt: 1, maxAttempts: 3, group: null };

test('a command learns where its message lies, its key, headers and properties, and which attempt it is', () => {
  assert.deepEqual(messageEnvironment(message, { attempt: 2, maxAttempts: 5, group: 'billing' }), {
    MQCTL_CHANNEL: 'orders',
    MQCTL_PARTITION: '0',
    MQCTL_OFFSET: '42',
    MQCTL_TIMESTAMP: '2026-11-20T10:00:00.000Z',
    MQCTL_KEY: 'k1',
    MQCTL_HEADERS: '[["trace","a\\u0000b"],["n",{"type":"int64","value":"7"}]]',
    MQCTL_PROPERTIES: '{"contentType":"text/plain"}',
    MQCTL_DELIVERY_COUNT: '2',
    MQCTL_GROUP: 'billing',
    MQCTL_ATTEMPT: '2',
    MQCTL_MAX_ATTEMPTS: '5',
  });
});

test('a key of bytes comes as base64, a tombstone is told from an empty value', () => {
  const odd = messageEnvironment({ ...message, key: Buffer.from([0xff, 0]), value: null }, first);
  assert.equal(odd['MQCTL_KEY'], undefined);
  assert.equal(odd['MQCTL_KEY_BASE64'], '/wA=');
  assert.equal(odd['MQCTL_NULL_VALUE'], 'true');
  const empty = messageEnvironment({ ...message, key: null, value: Buffer.alloc(0) }, first);
  assert.equal(empty['MQCTL_KEY'], undefined);
  assert.equal(empty['MQCTL_NULL_VALUE'], undefined);
});

test('what cannot be a variable is left out and named', () => {
  const headers = [{ name: 'stack', value: Buffer.alloc(5 * 1024 * 1024, 'x') }];
  const environment = messageEnvironment({ ...message, key: Buffer.from('a\0b'), headers }, first);
  assert.equal(environment['MQCTL_LEFT_OUT'], 'MQCTL_KEY,MQCTL_HEADERS');
  assert.equal(environment['MQCTL_KEY'], undefined);
  assert.equal(environment['MQCTL_HEADERS'], undefined);
});
