import assert from 'node:assert/strict';
import test from 'node:test';

import { fieldsOfUrl } from '../../../src/lib/config/context.ts';
import { holdsSecret, redactFields, redactUrl } from '../../../src/lib/config/redact.ts';

test('a URL is shown without its secrets', () => {
  assert.equal(redactUrl('amqp://me:topsecret@h:5672/v'), 'amqp://me:(hidden)@h:5672/v');
  assert.equal(redactUrl('amqp://me:${env:PW}@h'), 'amqp://me:${env:PW}@h');
  assert.equal(redactUrl('kafka://h:9092'), 'kafka://h:9092');
  assert.equal(redactUrl('local:/a?b'), 'local:/a?b');
  assert.equal(
    redactUrl('sqs://r?endpoint=http://x&secretKey=topsecret'),
    'sqs://r?endpoint=http://x&secretKey=(hidden)',
  );
  assert.equal(redactUrl('topsecret'), '(hidden)');
});

test('every secret of a context is hidden, where it comes from is shown', () => {
  const fields = {
    ...fieldsOfUrl('kafkas://me:topsecret@h'),
    password: 'topsecret',
    tls: {
      ca: 'ca.pem',
      certificate: 'c.pem',
      key: '-----BEGIN PRIVATE KEY-----\ntopsecret',
      keyPassphrase: 'topsecret',
      serverName: null,
      insecure: false,
    },
    sasl: { mechanism: 'X', fields: { region: 'eu', anything: 'topsecret', token: '${env:T}' } },
    settings: { 'ssl.keystore.password': 'topsecret', retries: '3' },
    managementUrl: 'http://guest:topsecret@h:15672',
  };
  const shown = redactFields(fields);
  assert.doesNotMatch(JSON.stringify(shown), /topsecret/);
  assert.deepEqual(shown.sasl?.fields, { region: 'eu', anything: '(hidden)', token: '${env:T}' });
  assert.deepEqual(shown.settings, { 'ssl.keystore.password': '(hidden)', retries: '3' });
  assert.equal(holdsSecret(fields), true);
  assert.equal(holdsSecret({ ...fieldsOfUrl('kafka://me@h'), password: '${ask}' }), false);
});
