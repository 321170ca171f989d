import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import { addressOf, without } from '../brokers/needs.ts';
import { certificateFiles } from '../brokers/test-certificates.ts';
import { assertRefused, secret, silentServer } from './refused-login.ts';

const skip = without('kafka-secure');

function certificate(name: keyof typeof certificateFiles): string {
  const folder = process.env['MQCTL_TEST_KAFKA_SECURE_FILES'];
  assert.ok(folder !== undefined, 'MQCTL_TEST_KAFKA_SECURE_FILES is not set');
  return `\${file:${join(folder, certificateFiles[name])}}`;
}

const secure = (change: Readonly<Record<string, unknown>> = {}): Readonly<Record<string, unknown>> => ({
  url: `kafkas://${addressOf('kafka-secure')}`,
  username: 'admin',
  password: secret,
  sasl: { mechanism: 'SCRAM-SHA-512' },
  tls: { ca: certificate('ca') },
  ...change,
});

for (const mechanism of ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512'])
  test(`a wrong password by ${mechanism} is exit 4 and one line`, { skip }, () =>
    assertRefused(secure({ sasl: { mechanism } }), /mqctl: .*(refused|authentication|login|credential)/i),
  );

test('a refused token is exit 4 and one line', { skip }, () =>
  assertRefused(
    secure({ username: null, password: null, sasl: { mechanism: 'OAUTHBEARER', token: secret } }),
    /mqctl: /,
  ),
);

test('an untrusted certificate is exit 4 and says so', { skip }, () =>
  assertRefused(secure({ tls: { ca: certificate('strangerCa') } }), /mqctl: .*certificate/i),
);

test('without the authority the certificate is untrusted, too', { skip }, () =>
  assertRefused(secure({ tls: true }), /mqctl: .*certificate/i),
);

test('a server that has another name than its certificate is exit 4', { skip }, () =>
  assertRefused(
    secure({ tls: { ca: certificate('ca'), serverName: 'kafka.elsewhere' } }),
    /mqctl: .*(certificate|name)/i,
  ),
);

test('TLS to a port that does not speak it is exit 4', { skip }, () =>
  assertRefused(
    secure({ url: `kafkas://${process.env['MQCTL_TEST_KAFKA_SECURE_PLAINTEXT'] ?? ''}` }),
    /mqctl: /,
  ),
);

test('a port that speaks TLS only, without it, is exit 4', { skip }, () =>
  assertRefused(secure({ url: `kafka://${addressOf('kafka-secure')}`, tls: null }), /mqctl: /),
);

test('a host that nobody knows is exit 4', { skip }, () =>
  assertRefused(secure({ url: 'kafkas://no-such-host.invalid:9093' }), /no-such-host\.invalid/),
);

test(
  'a host that takes the connection and says nothing is exit 4 after the time-out',
  { skip },
  async (t) => {
    const port = await silentServer(t);
    await assertRefused(
      secure({ url: `kafka://127.0.0.1:${port.toString()}`, tls: null }),
      new RegExp(`127\\.0\\.0\\.1:${port.toString()}`),
      '1s',
    );
  },
);
