import assert from 'node:assert/strict';
import test from 'node:test';

import { fieldsOfUrl } from '../../../src/lib/config/context.ts';
import { does } from '../../../src/lib/config/what-a-file-does.ts';

test('everything that a file would run, read or ask is said before it is trusted', () => {
  const fields = {
    ...fieldsOfUrl('amqp://me:${cmd:pass show x}@h'),
    password: '${ask}',
    tls: {
      ca: 'ca.pem',
      certificate: null,
      key: '-----BEGIN KEY',
      keyPassphrase: '${file:phrase}',
      serverName: null,
      insecure: false,
    },
    settings: { note: '${env:HOME}', plain: '$${env:HOME}' },
  };
  assert.deepEqual(does(new Map([['prod', fields]])), [
    'prod, url: runs pass show x',
    'prod, password: asks for a secret',
    'prod, tls.ca: reads the file ca.pem',
    'prod, tls.keyPassphrase: reads the file phrase',
    'prod, settings.note: reads the environment variable HOME',
  ]);
});
