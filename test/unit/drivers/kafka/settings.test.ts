import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addressText } from '../../../../src/lib/address-text.ts';
import { bootstrapBrokers, parseAddress } from '../../../../src/lib/drivers/kafka/settings.ts';
import { UsageError } from '../../../../src/lib/errors.ts';

test('several brokers, a port or none, IPv6 in brackets', () => {
  assert.deepEqual(bootstrapBrokers('kafka://h1:1,h2,[::1]:3/'), [
    { host: 'h1', port: 1 },
    { host: 'h2', port: 9092 },
    { host: '::1', port: 3 },
  ]);
});

test('what is no address is wrong usage', () => {
  for (const url of ['kafka://', 'kafka://h:0', 'kafka://h:99999', 'kafka://h1,,h2', 'kafka://h:x']) {
    assert.throws(() => bootstrapBrokers(url), UsageError, url);
  }
});

test('an address is written as it is read', () => {
  for (const text of ['h:1', '[fe80::1]:9092', '10.0.0.1:2']) {
    const address = parseAddress(text);
    assert.equal(address === null ? null : addressText(address), text);
  }
});
