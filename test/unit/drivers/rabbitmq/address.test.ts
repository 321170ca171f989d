import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Connection } from '../../../../src/lib/drivers/driver.ts';
import { parseAddress } from '../../../../src/lib/drivers/rabbitmq/address.ts';
import { UsageError } from '../../../../src/lib/errors.ts';

const connection = (url: string, change: Partial<Connection> = {}): Connection => ({
  url,
  username: 'ann',
  password: 's3cret',
  tls: null,
  sasl: null,
  managementUrl: null,
  addressMap: new Map(),
  settings: {},
  ...change,
});
const tls = {
  ca: 'authority',
  certificate: null,
  key: null,
  keyPassphrase: null,
  serverName: null,
  insecure: false,
};

test('host, port and virtual host come from the URL, with the usual ones where it says nothing', () => {
  const parts = (url: string) => {
    const { host, port, vhost, target } = parseAddress(connection(url));
    return [host, port, vhost, target];
  };
  assert.deepEqual(parts('amqp://broker'), ['broker', 5672, '/', 'amqp://broker:5672']);
  assert.deepEqual(parts('amqp://broker:7/'), ['broker', 7, '/', 'amqp://broker:7']);
  assert.deepEqual(parts('amqps://broker/%2F'), ['broker', 5671, '/', 'amqps://broker:5671']);
  assert.deepEqual(parts('amqp://broker/a%2Fb'), ['broker', 5672, 'a/b', 'amqp://broker:5672/a%2Fb']);
  assert.deepEqual(parts('amqp://[::1]:7/v'), ['::1', 7, 'v', 'amqp://[::1]:7/v']);
});

test('the target names neither user nor password', () => {
  assert.doesNotMatch(parseAddress(connection('amqp://broker/v')).target, /ann|s3cret/);
});

test('TLS is asked for by the scheme or by settings of its own, and checks the name of the host', () => {
  assert.equal(parseAddress(connection('amqp://broker')).tls, null);
  assert.deepEqual(parseAddress(connection('amqps://broker')).tls, { servername: 'broker' });
  assert.deepEqual(parseAddress(connection('amqps://127.0.0.1')).tls, {});
  assert.deepEqual(
    parseAddress(connection('amqp://10.0.0.1', { tls: { ...tls, serverName: 'broker' } })).tls,
    {
      ca: 'authority',
      servername: 'broker',
      rejectUnauthorized: true,
    },
  );
  assert.equal(
    parseAddress(connection('amqps://broker', { tls: { ...tls, insecure: true } })).tls?.rejectUnauthorized,
    false,
  );
});

test('through a tunnel another address is connected to, and the certificate is checked for the first', () => {
  const address = parseAddress(
    connection('amqps://broker:5671', { addressMap: new Map([['broker:5671', '127.0.0.1:15671']]) }),
  );
  assert.deepEqual([address.host, address.port, address.tls], ['127.0.0.1', 15671, { servername: 'broker' }]);
  assert.equal(address.target, 'amqps://broker:5671');
});

test('a login is PLAIN, or EXTERNAL by the client certificate; others are not known', () => {
  const login = (mechanism: string) =>
    parseAddress(connection('amqps://broker', { sasl: { mechanism, fields: {} } })).login;
  assert.deepEqual(login('plain'), { mechanism: 'PLAIN', username: 'ann', password: 's3cret' });
  assert.deepEqual(login('EXTERNAL'), { mechanism: 'EXTERNAL' });
  assert.throws(() => login('SCRAM-SHA-256'), UsageError);
});

test('a URL or heartbeat that cannot be is refused', () => {
  assert.throws(() => parseAddress(connection('no url')), UsageError);
  assert.throws(() => parseAddress(connection('amqp://broker/%zz')), UsageError);
  assert.throws(() => parseAddress(connection('amqp://broker?heartbeat=often')), UsageError);
  assert.equal(parseAddress(connection('amqp://broker?heartbeat=5')).heartbeat, 5);
});

test('an IPv6 address is mapped as it is written in a context, in brackets', () => {
  const addressMap = new Map([['[::1]:5672', '[fd00::5]:15672']]);
  const address = parseAddress(connection('amqp://[::1]:5672', { addressMap }));
  assert.deepEqual([address.host, address.port], ['fd00::5', 15_672]);
  assert.equal(address.target, 'amqp://[::1]:5672');
});
