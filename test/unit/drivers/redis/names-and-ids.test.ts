import assert from 'node:assert/strict';
import test from 'node:test';
import { mappedAddress, parseAddress } from '../../../../src/lib/drivers/redis/address.ts';
import { exhaustedName, parseExhausted } from '../../../../src/lib/drivers/redis/channel-name.ts';
import { companionKey } from '../../../../src/lib/drivers/redis/companion-key.ts';
import {
  compareIds,
  idOf,
  idText,
  nextId,
  parseId,
  previousId,
} from '../../../../src/lib/drivers/redis/entry-id.ts';
import type { Connection } from '../../../../src/lib/drivers/driver.ts';
import { bytesUnknown } from '../../../../src/lib/drivers/redis/channels.ts';
import { mayBeDeleted } from '../../../../src/lib/drivers/redis/pending.ts';
import { DeniedError, FailedError, UsageError } from '../../../../src/lib/errors.ts';

const connection = (url: string, change: Partial<Connection> = {}): Connection => ({
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

test('the next and the previous id are the nearest ones, over the end of a sequence, too', () => {
  const greatest = 18_446_744_073_709_551_615n;
  assert.equal(idText(nextId(idOf('5-9'))), '5-10');
  assert.equal(idText(nextId(idOf(`5-${String(greatest)}`))), '6-0');
  assert.equal(idText(previousId(idOf('6-0'))), `5-${String(greatest)}`);
  assert.equal(idText(previousId(idOf('0-0'))), '0-0');
  assert.ok(compareIds(idOf('10-0'), idOf('9-99')) > 0);
});

test('milliseconds alone are the first id of that time; everything else is none', () => {
  assert.equal(idText(idOf('1526919030474')), '1526919030474-0');
  for (const text of ['', '-', '1-', 'x', '1-2-3', '99999999999999999999-0'])
    assert.equal(parseId(text), null);
});

test('what a group did not acknowledge has a name that says the stream, which may hold slashes, and the group', () => {
  assert.deepEqual(parseExhausted('shop/orders/billing/dead'), { stream: 'shop/orders', group: 'billing' });
  assert.equal(exhaustedName({ stream: 'shop/orders', group: 'billing' }), 'shop/orders/billing/dead');
  for (const name of ['orders', 'orders/dead', '/billing/dead', 'orders//dead'])
    assert.equal(parseExhausted(name), null);
});

test('a key beside a stream has its hash tag, else its name for one; no key where that cannot be', () => {
  assert.match(companionKey('orders', 'held') ?? '', /^mqctl:held:\{orders\}:/);
  assert.match(companionKey('{shop}:orders', 'held') ?? '', /^mqctl:held:\{shop\}:/);
  assert.notEqual(companionKey('{shop}:a', 'held'), companionKey('{shop}:b', 'held'));
  assert.equal(companionKey('a}b', 'held'), null);
  assert.match(companionKey('{}a', 'held') ?? 'none', /none/);
});

test('an address has hosts, a database and settings; what it does not know is wrong usage', () => {
  const address = parseAddress(connection('redis://h1:7000,h2/3?sentinel=orders&maxDeliveries=2'));
  assert.deepEqual(address.hosts, [
    { host: 'h1', port: 7000 },
    { host: 'h2', port: 6379 },
  ]);
  assert.equal(address.database, 3);
  assert.equal(address.sentinel?.primary, 'orders');
  assert.equal(address.maxDeliveries, 2);
  assert.equal(address.target, 'redis://h1:7000,h2:6379/3?sentinel=orders');
  for (const url of [
    'redis://h/x',
    'redis://h?nothing=1',
    'redis://h?maxDeliveries=0',
    'redis://h?sentinelPassword=x',
  ])
    assert.throws(() => parseAddress(connection(url)), UsageError, url);
});

test('an IPv6 address is mapped as it is written in a context, in brackets, and connected to without them', () => {
  const addressMap = new Map([
    ['[::1]:6379', '[fd00::5]:16379'],
    ['[fd00::9]:7001', '127.0.0.1:17001'],
  ]);
  assert.deepEqual(parseAddress(connection('redis://[::1]:6379', { addressMap })).hosts, [
    { host: 'fd00::5', port: 16_379 },
  ]);
  assert.deepEqual(mappedAddress(addressMap, { host: '::1', port: 6379 }), { host: 'fd00::5', port: 16_379 });
  assert.deepEqual(mappedAddress(addressMap, { host: 'fd00::9', port: 7001 }), {
    host: '127.0.0.1',
    port: 17_001,
  });
  assert.deepEqual(mappedAddress(addressMap, { host: '::2', port: 6379 }), { host: '::2', port: 6379 });
});

test('a pending entry may be deleted where that one or a later one was, or where the server does not say', () => {
  const [first, greatestDeleted] = [idOf('3-0'), idOf('5-0')];
  assert.equal(mayBeDeleted(idOf('3-0'), { first, greatestDeleted }), false, 'the first entry is there');
  assert.equal(mayBeDeleted(idOf('4-0'), { first, greatestDeleted }), true);
  assert.equal(mayBeDeleted(idOf('5-0'), { first, greatestDeleted }), true);
  assert.equal(mayBeDeleted(idOf('6-0'), { first, greatestDeleted }), false);
  assert.equal(mayBeDeleted(idOf('4-0'), { first, greatestDeleted: idOf('0-0') }), false);
  assert.equal(mayBeDeleted(idOf('4-0'), { first, greatestDeleted: null }), true);
});

test('why the bytes of a stream are unknown is what the server said, a permission only where it is one', () => {
  assert.equal(bytesUnknown(new DeniedError('refused')), 'bytes: this login may not use MEMORY USAGE');
  assert.equal(
    bytesUnknown(new FailedError('Redis at h refused for "orders": unknown command MEMORY')),
    'bytes: Redis at h refused for "orders": unknown command MEMORY',
  );
});
