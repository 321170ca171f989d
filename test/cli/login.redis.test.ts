import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { addressOf, without } from '../brokers/needs.ts';
import { startRedis } from '../brokers/redis.ts';
import { assertRefused, secret, silentServer } from './refused-login.ts';
import { mqctl, scratchFolder } from './run-mqctl.ts';

const skip = without('redis');
const tls = process.env['MQCTL_TEST_REDIS_TLS'];
const required = process.env['MQCTL_TEST_SERVERS'] === 'required';
const skipTls =
  skip !== false
    ? skip
    : tls === undefined && !required
      ? 'the Redis that is named has no TLS: set MQCTL_TEST_REDIS_TLS'
      : false;

test('a user that is not there is exit 4 and one line', { skip }, () =>
  assertRefused(
    { url: addressOf('redis'), username: 'nobody', password: secret },
    /mqctl: .*refused the login/,
  ),
);

test('a password where none is set, and in the address, is exit 4 and not printed', { skip }, () => {
  const { host } = new URL(addressOf('redis'));
  return assertRefused({ url: `redis://:${encodeURIComponent(secret)}@${host}` }, /mqctl: .*password/);
});

test('a host that nobody knows is exit 4', { skip }, () =>
  assertRefused({ url: 'redis://no-such-host.invalid', password: secret }, /no-such-host\.invalid/),
);

test(
  'a host that takes the connection and says nothing is exit 4 after the time-out',
  { skip },
  async (t) => {
    const port = String(await silentServer(t));
    await assertRefused(
      { url: `redis://127.0.0.1:${port}`, password: secret },
      new RegExp(`127\\.0\\.0\\.1:${port}`),
      '1s',
    );
  },
);

test('TLS to a port that does not speak it is exit 4, and says what it may be', { skip }, () =>
  assertRefused(
    { url: addressOf('redis').replace('redis:', 'rediss:'), password: secret },
    /without TLS\?/,
    '1s',
  ),
);

test('a port of TLS spoken to without is exit 4, and says what it may be', { skip: skipTls }, () =>
  assertRefused({ url: (tls ?? '').replace('rediss:', 'redis:'), password: secret }, /TLS port\?/),
);

test('an untrusted certificate is exit 4 and says so', { skip: skipTls }, () =>
  assertRefused({ url: tls ?? '', password: secret }, /mqctl: .*certificate/i),
);

test('over TLS with the right authority everything goes', { skip: skipTls }, async () => {
  await using folder = await scratchFolder();
  const ca = process.env['MQCTL_TEST_REDIS_CA'] ?? '';
  await writeFile(join(folder.path, 'ca.pem'), ca);
  const config = join(folder.path, 'contexts.yaml');
  await writeFile(
    config,
    JSON.stringify({ current: 'there', contexts: { there: { url: tls, tls: { ca: 'ca.pem' } } } }),
    { mode: 0o600 },
  );
  const { code, stderr } = await mqctl(['status'], {
    folder: folder.path,
    environment: { MQCTL_CONFIG: config },
  });
  assert.equal(code, 0, stderr);
});

test(
  'a server that wants a password says so; a user of the ACL does what he may, and what he may not is named',
  { skip },
  async (t) => {
    const server = await startRedis({ settings: [`requirepass ${secret}`] });
    t.after(() => server.stop());
    await assertRefused({ url: server.address }, /wants a login/);
    await server.ask(
      '-a',
      secret,
      '--no-auth-warning',
      'ACL',
      'SETUSER',
      'reader',
      'on',
      '>pass',
      '~*',
      '+@read',
      '+@connection',
      '-@dangerous',
    );
    await server.ask('-a', secret, '--no-auth-warning', 'XADD', 'orders', '*', 'value', '1');
    await using folder = await scratchFolder();
    const url = server.address.replace('redis://', 'redis://reader:pass@');
    const run = (words: string[]) => mqctl([...words, '-c', url], { folder: folder.path, environment: {} });
    const looked = await run(['consume', 'orders', '-o', 'value']);
    assert.deepEqual([looked.code, looked.stdout.toString()], [0, '1\n'], looked.stderr);
    const refused = await run(['produce', 'orders', '--value', 'x']);
    assert.notEqual(refused.code, 0);
    assert.match(refused.stderr, /'xadd'/);
    const purged = await run(['purge', 'orders', '--yes', '--no-archive']);
    assert.equal(purged.code, 1);
    assert.match(purged.stderr, /'xtrim'/);
    const status = await run(['status']);
    assert.match(status.stdout.toString() + status.stderr, /may not use INFO/);
  },
);
