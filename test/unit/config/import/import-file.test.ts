import assert from 'node:assert/strict';
import test from 'node:test';

import type { ContextFields } from '../../../../src/lib/config/context.ts';
import { importFile } from '../../../../src/lib/config/import/import-file.ts';
import type { Imported } from '../../../../src/lib/config/import/imported.ts';
import { UsageError } from '../../../../src/lib/errors.ts';
import { sandbox } from '../sandbox.ts';

async function imported(t: test.TestContext, name: string, text: string, section: string | null = null) {
  const box = await sandbox(t);
  const path = await box.write(name, text);
  const result: Imported = await importFile(path, section, null);
  return { ...result, folder: box.folder };
}

function expectFields(fields: ContextFields, expected: Partial<ContextFields>): void {
  for (const [name, value] of Object.entries(expected))
    assert.deepEqual(Object.entries(fields).find(([key]) => key === name)?.[1], value, name);
}

test("Java's client.properties with SASL over TLS", async (t) => {
  const { fields, notUnderstood, hints, folder } = await imported(
    t,
    'client.properties',
    `# prod
bootstrap.servers=h1:9093, \\
    SASL_SSL://h2:9093
security.protocol=SASL_SSL
sasl.mechanism=SCRAM-SHA-512
sasl.jaas.config=org.apache.kafka.common.security.scram.ScramLoginModule required \\
  username="me" \\
  password="se\\\\"c\${ret";
ssl.truststore.type: PEM
ssl.truststore.location = ca.pem
ssl.keystore.location=keys.jks
ssl.keystore.password=topsecret
group.id=billing
`,
  );
  expectFields(fields, {
    url: 'kafkas://h1:9093,h2:9093',
    username: 'me',
    password: 'se"c$${ret',
    sasl: { mechanism: 'SCRAM-SHA-512', fields: {} },
    tls: {
      ca: `${folder}/ca.pem`,
      certificate: null,
      key: null,
      keyPassphrase: null,
      serverName: null,
      insecure: false,
    },
  });
  assert.deepEqual(notUnderstood, ['ssl.keystore.location', 'ssl.keystore.password', 'group.id']);
  assert.match(hints.join(), /PEM/);
  assert.doesNotMatch(JSON.stringify([notUnderstood, hints]), /topsecret/);
});

test('AWS IAM in client.properties', async (t) => {
  const { fields, notUnderstood } = await imported(
    t,
    'msk.properties',
    `bootstrap.servers=h:9098
security.protocol=SASL_SSL
sasl.mechanism=AWS_MSK_IAM
sasl.jaas.config=software.amazon.msk.auth.iam.IAMLoginModule required awsProfileName="prod" awsDebugCreds=true;
sasl.client.callback.handler.class=software.amazon.msk.auth.iam.IAMClientCallbackHandler
`,
  );
  expectFields(fields, {
    sasl: { mechanism: 'AWS_MSK_IAM', fields: { profile: 'prod' } },
    username: null,
    password: null,
  });
  assert.deepEqual(notUnderstood, ['sasl.client.callback.handler.class', 'sasl.jaas.config awsDebugCreds']);
});

test('kcat.conf keeps backslashes of a password and takes paths from its folder', async (t) => {
  const { fields, notUnderstood, folder } = await imported(
    t,
    'kcat.conf',
    `# comment
metadata.broker.list=h1:9093
security.protocol = sasl_ssl
sasl.mechanisms=PLAIN
sasl.username=me
sasl.password=a\\b=c
ssl.ca.location=ca.pem
ssl.certificate.location=/abs/cert.pem
ssl.key.location=key.pem
ssl.key.password=phrase
enable.ssl.certificate.verification=false
topic.acks=all
`,
  );
  expectFields(fields, {
    url: 'kafkas://h1:9093',
    username: 'me',
    password: 'a\\b=c',
    sasl: { mechanism: 'PLAIN', fields: {} },
    tls: {
      ca: `${folder}/ca.pem`,
      certificate: '/abs/cert.pem',
      key: `${folder}/key.pem`,
      keyPassphrase: 'phrase',
      serverName: null,
      insecure: true,
    },
  });
  assert.deepEqual(notUnderstood, ['topic.acks']);
});

test('a plain broker list is all a file needs', async (t) => {
  const { fields, notUnderstood, hints } = await imported(
    t,
    'kcat.conf',
    'bootstrap.servers=localhost:9092\n',
  );
  expectFields(fields, { url: 'kafka://localhost:9092', tls: null, sasl: null, password: null });
  assert.deepEqual([notUnderstood, hints], [[], []]);
});

test('rabbitmqadmin.conf: the section that is named', async (t) => {
  const text = `[default]
hostname = localhost
[prod]
hostname = mq.example.com
port = 15671
username = me
password = p:w
declare_vhost = shop/eu
ssl = True
ssl_ca_cert_file = ca.pem
request_timeout = 30
`;
  const { fields, notUnderstood, folder } = await imported(t, 'rabbitmqadmin.conf', text, 'prod');
  expectFields(fields, {
    url: 'amqps://mq.example.com/shop%2Feu',
    username: 'me',
    password: 'p:w',
    managementUrl: 'https://mq.example.com:15671',
    tls: {
      ca: `${folder}/ca.pem`,
      certificate: null,
      key: null,
      keyPassphrase: null,
      serverName: null,
      insecure: false,
    },
  });
  assert.deepEqual(notUnderstood, ['request_timeout']);
  expectFields((await imported(t, '.rabbitmqadmin.conf', text)).fields, {
    url: 'amqp://localhost/%2F',
    tls: null,
  });
  await assert.rejects(imported(t, 'rabbitmqadmin.conf', text, 'dev'), /no section "dev"/);
});

test('rabbitmqadmin.conf of version 2 quotes its values', async (t) => {
  const { fields } = await imported(
    t,
    'rabbitmqadmin.conf',
    '[node]\nhostname = "h"\nport = 15672\nusername = "me"\npassword = "pw"\n',
  );
  expectFields(fields, {
    url: 'amqp://h/%2F',
    username: 'me',
    password: 'pw',
    managementUrl: 'http://h:15672',
  });
});

test('a context of the nats tool', async (t) => {
  const { fields, notUnderstood, folder } = await imported(
    t,
    'prod.json',
    JSON.stringify({
      description: 'prod',
      url: 'nats://h1:4222,nats://h2:4222',
      token: '',
      user: 'me',
      password: 'pw',
      creds: 'me.creds',
      ca: '',
      jetstream_domain: 'eu',
      jetstream_api_prefix: 'A.API',
      socks_proxy: 'localhost:1080',
    }),
  );
  expectFields(fields, {
    url: 'nats://h1:4222,h2:4222',
    username: 'me',
    password: 'pw',
    tls: null,
    settings: { creds: `${folder}/me.creds`, jetstreamDomain: 'eu', jetstreamApiPrefix: 'A.API' },
  });
  assert.deepEqual(notUnderstood, ['socks_proxy']);
});

test('a profile of rpk, alone or one of several', async (t) => {
  const profile = `name: prod
kafka_api:
  brokers: [h1:9092, h2:9092]
  tls: { ca_file: ca.pem }
  sasl: { user: me, password: pw, mechanism: SCRAM-SHA-256 }
admin_api: { addresses: [h1:9644] }
`;
  const { fields, notUnderstood, folder } = await imported(t, 'profile.yaml', profile);
  const expected = {
    url: 'kafkas://h1:9092,h2:9092',
    username: 'me',
    password: 'pw',
    sasl: { mechanism: 'SCRAM-SHA-256', fields: {} },
  };
  expectFields(fields, expected);
  assert.equal(fields.tls?.ca, `${folder}/ca.pem`);
  assert.deepEqual(notUnderstood, ['admin_api']);
  const several = `current_profile: prod\nprofiles:\n  - name: dev\n    kafka_api: { brokers: [d:9092] }\n  - ${profile.trimEnd().replaceAll('\n', '\n    ')}\n`;
  expectFields((await imported(t, 'rpk.yaml', several)).fields, expected);
  expectFields((await imported(t, 'rpk.yaml', several, 'dev')).fields, { url: 'kafka://d:9092', tls: null });
});

for (const [name, text] of [
  ['notes.txt', 'topsecret'],
  ['client.properties', 'sasl.password=topsecret'],
  ['x.json', '{"password":"topsecret"'],
  ['x.json', '{"password":"topsecret"}'],
  ['x.yaml', 'kafka_api: { password: topsecret'],
  ['rabbitmqadmin.conf', '[a]\npassword=topsecret\n[b]\n'],
] as const) {
  test(`${name} with ${JSON.stringify(text)} is refused without its values`, async (t) => {
    await assert.rejects(
      imported(t, name, text),
      (error) =>
        error instanceof UsageError &&
        error.message.includes(name) &&
        !/topsecret/.test(error.message + (error.hint ?? '')),
    );
  });
}

test('a file that is not there is an error of ours', async () => {
  await assert.rejects(importFile('/nonexistent/x', null, null), UsageError);
});
