import assert from 'node:assert/strict';
import test from 'node:test';

import { isUrl, splitAddress } from '../../../src/lib/config/address.ts';
import { UsageError } from '../../../src/lib/errors.ts';

const split: readonly (readonly [string, string, string | null, string | null])[] = [
  ['kafka://h1:9092,h2:9092', 'kafka://h1:9092,h2:9092', null, null],
  ['KAFKAS://h1:9093', 'kafkas://h1:9093', null, null],
  ['amqp://me:pass@host:5672/vhost', 'amqp://host:5672/vhost', 'me', 'pass'],
  ['amqps://me:p%40s%2Fs%25@host/%2F', 'amqps://host/%2F', 'me', 'p@s/s%'],
  ['amqp://me@host', 'amqp://host', 'me', null],
  ['amqp://me:@host', 'amqp://host', 'me', ''],
  ['kafka://me:p@ss@h1:9092', 'kafka://h1:9092', 'me', 'p@ss'],
  ['amqp://[::1]:5672/', 'amqp://[::1]:5672/', null, null],
  ['local:', 'local:', null, null],
  ['local:./a@b:c.db', 'local:./a@b:c.db', null, null],
  [
    'sqs://eu-west-1?endpoint=http://127.0.0.1:4566',
    'sqs://eu-west-1?endpoint=http://127.0.0.1:4566',
    null,
    null,
  ],
  [
    'amqp://me:${cmd:pass show a/b@c:d}@host:${env:PORT}/v',
    'amqp://host:${env:PORT}/v',
    'me',
    '${cmd:pass show a/b@c:d}',
  ],
  ["amqp://me:${cmd:awk '{print}' /x}@host", 'amqp://host', 'me', "${cmd:awk '{print}' /x}"],
];

for (const [text, url, username, password] of split) {
  test(`${text} is taken apart`, () => {
    const address = splitAddress(text);
    assert.deepEqual([address.url, address.username, address.password], [url, username, password]);
  });
}

for (const text of [
  'amqp://me:top/secret@host/',
  'amqp://me:top#secret@host',
  'amqp://me:top%secret@host',
  'amqp://host:topsecret',
]) {
  test(`${text} is refused without showing the password`, () => {
    assert.throws(
      () => splitAddress(text),
      (error) => error instanceof UsageError && !/secret/.test(error.message + (error.hint ?? '')),
    );
  });
}

test('a URL is told from the name of a context', () => {
  assert.equal(isUrl('local:'), true);
  assert.equal(isUrl('kafka://h'), true);
  assert.equal(isUrl('prod'), false);
  assert.equal(isUrl('eu-1.prod'), false);
});
