import assert from 'node:assert/strict';
import { readFile, stat, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'node:test';

import {
  addContext,
  parseContextFile,
  readContextFile,
  removeContext,
  useContext,
} from '../../../src/lib/config/context-file.ts';
import { fieldsOfUrl } from '../../../src/lib/config/context.ts';
import { NotFoundError, UsageError } from '../../../src/lib/errors.ts';
import { sandbox } from './sandbox.ts';

test('a context file is read with all that it can say', async () => {
  const { current, contexts } = await parseContextFile(
    `
current: prod
contexts:
  base: &base
    url: kafkas://h:9092
    settings: { retries: 3, idempotent: true }
  prod:
    <<: *base
    username: me
    password: \${env:PW}
    sasl: { mechanism: AWS_MSK_IAM, region: eu-west-1 }
    tls: { ca: ca.pem, serverName: kafka }
    addressMap: { "kafka-1:9092": "localhost:19092" }
    managementUrl: http://h:15672
    readOnly: true
    protected: true
    resolvedTopic: done
  plain: { url: "amqps://h", tls: true }
`,
    'contexts.yaml',
  );
  assert.equal(current, 'prod');
  assert.deepEqual(contexts.get('prod'), {
    url: 'kafkas://h:9092',
    username: 'me',
    password: '${env:PW}',
    tls: {
      ca: 'ca.pem',
      certificate: null,
      key: null,
      keyPassphrase: null,
      serverName: 'kafka',
      insecure: false,
    },
    sasl: { mechanism: 'AWS_MSK_IAM', fields: { region: 'eu-west-1' } },
    managementUrl: 'http://h:15672',
    addressMap: { 'kafka-1:9092': 'localhost:19092' },
    settings: { retries: '3', idempotent: 'true' },
    readOnly: true,
    protected: true,
    resolvedTopic: 'done',
    registry: null,
  });
  assert.equal(contexts.get('plain')?.tls?.insecure, false);
});

test('an empty file has no contexts, a missing one is null', async (t) => {
  const { folder } = await sandbox(t);
  assert.equal((await parseContextFile('# nothing yet\n', 'f')).contexts.size, 0);
  assert.equal(await readContextFile(join(folder, 'none.yaml')), null);
});

const context = (line: string): string => `contexts:\n  prod:\n    url: kafka://h\n    ${line}\n`;

const refused: readonly (readonly [text: string, message: RegExp, hint?: RegExp])[] = [
  ['contexts:\n  prod:\n    urls: x\n', /^f:3:5: unknown key "urls" in context "prod"/, /did you mean "url"/],
  ['context: {}\n', /^f:1:1: unknown key "context"/, /did you mean "contexts"/],
  ['contexts:\n  prod: {}\n', /^f:2:3: the context has no url/],
  ['contexts:\n  a@b: { url: "x:" }\n', /^f:2:3: "a@b" cannot be the name/],
  [context('password: 0123'), /^f:4:5: password is a number/, /quotes/],
  [context('readOnly: "yes"'), /^f:4:5: readOnly is neither true nor false/],
  [context('tls: { key: k.pem }'), /^f:4:5: certificate and key stand together/],
  [context('tls: { crt: k.pem }'), /^f:4:12: unknown key "crt" in context "prod", tls/],
  [context('sasl: { region: x }'), /^f:4:5: sasl has no mechanism/],
  [context('sasl: { mechanism: PLAIN, password: topsecret }'), /^f:4:31: password stands beside sasl/],
  [context('addressMap: { kafka: localhost }'), /^f:4:19: "kafka" is no host:port/],
  [context('settings: [topsecret]'), /^f:4:5: context "prod", settings is not a mapping/],
  ['- topsecret\n', /^f:1:1: the file is not a mapping/],
  ['contexts: {\n  prod: { password: topsecret\n', /^f:\d+:\d+: no YAML: /],
  ['contexts:\n  a: *topsecret\n', /an alias without its anchor/],
];

for (const [text, message, hint] of refused) {
  test(`refuses ${JSON.stringify(text)} by line and column, without its values`, async () => {
    await assert.rejects(
      parseContextFile(text, 'f'),
      (error) =>
        error instanceof UsageError &&
        message.test(error.message) &&
        !/topsecret/.test(error.message) &&
        (hint === undefined || hint.test(error.hint ?? '')),
    );
  });
}

test('a small file of aliases cannot become a huge one', async () => {
  let text = 'a0: &a0 [x, x, x, x, x, x, x, x, x, x]\n';
  for (let level = 1; level < 9; level++)
    text += `a${level}: &a${level} [${`*a${level - 1}, `.repeat(10)}]\n`;
  await assert.rejects(parseContextFile(text, 'f'), /too many of them/);
});

test('editing keeps comments, order and what it does not touch', async (t) => {
  const { write } = await sandbox(t);
  const file = await write(
    'contexts.yaml',
    '# my contexts\ncurrent: b # for now\ncontexts:\n  b: { url: "kafka://b" } # second letter\n  # the old one\n  a:\n    url: kafka://a\n',
  );
  await addContext(
    file,
    'c',
    { ...fieldsOfUrl('kafkas://c'), readOnly: true, tls: null },
    { replace: false },
  );
  await useContext(file, 'c');
  await removeContext(file, 'a');
  assert.equal(
    await readFile(file, 'utf8'),
    '# my contexts\ncurrent: c # for now\ncontexts:\n  b: { url: "kafka://b" } # second letter\n  c:\n    url: kafkas://c\n    readOnly: true\n',
  );
});

test('a new file is readable by its owner alone, and its first context is the current one', async (t) => {
  const { folder } = await sandbox(t);
  const file = join(folder, 'new', 'contexts.yaml');
  await addContext(file, 'dev', fieldsOfUrl('kafka://localhost:9092'), { replace: false });
  assert.equal((await stat(file)).mode & 0o777, 0o600);
  assert.equal((await readContextFile(file))?.current, 'dev');
});

test('all fields survive being written and read', async (t) => {
  const { folder } = await sandbox(t);
  const file = join(folder, 'contexts.yaml');
  const fields = {
    url: 'kafkas://h',
    username: 'me',
    password: 'a: "b" # ${env:X}',
    tls: { ca: null, certificate: null, key: null, keyPassphrase: null, serverName: null, insecure: false },
    sasl: { mechanism: 'PLAIN', fields: { token: '0123' } },
    managementUrl: 'http://h',
    addressMap: { 'a:1': 'b:2' },
    settings: { x: 'true', y: '1' },
    readOnly: true,
    protected: true,
    resolvedTopic: 'done',
    registry: null,
  };
  await addContext(file, 'all', fields, { replace: false });
  assert.deepEqual((await readContextFile(file))?.contexts.get('all'), fields);
});

test('removing the current context leaves none chosen', async (t) => {
  const { write } = await sandbox(t);
  const file = await write('c.yaml', 'current: a\ncontexts:\n  a: { url: "local:" }\n');
  await removeContext(file, 'a');
  assert.deepEqual(await readContextFile(file), { current: null, contexts: new Map() });
});

test('an existing context is replaced only when asked to', async (t) => {
  const { write } = await sandbox(t);
  const file = await write('c.yaml', 'contexts:\n  a: { url: "local:" }\n');
  await assert.rejects(addContext(file, 'a', fieldsOfUrl('local:x'), { replace: false }), UsageError);
  await addContext(file, 'a', fieldsOfUrl('local:x'), { replace: true });
  assert.equal((await readContextFile(file))?.contexts.get('a')?.url, 'local:x');
});

test('an unknown context is named with what was meant', async (t) => {
  const { write } = await sandbox(t);
  const file = await write('c.yaml', 'contexts:\n  prod: { url: "local:" }\n');
  await assert.rejects(
    useContext(file, 'prdo'),
    (error) => error instanceof NotFoundError && error.hint === 'did you mean "prod"?',
  );
});

test('a broken file is never overwritten', async (t) => {
  const { write } = await sandbox(t);
  const file = await write('c.yaml', 'contexts: {\n');
  await assert.rejects(addContext(file, 'a', fieldsOfUrl('local:'), { replace: false }), UsageError);
  assert.equal(await readFile(file, 'utf8'), 'contexts: {\n');
});

test('a file that is a link stays a link', async (t) => {
  const { folder, write } = await sandbox(t);
  const real = await write('dotfiles/contexts.yaml', '');
  const link = join(folder, 'contexts.yaml');
  await symlink(real, link);
  await addContext(link, 'a', fieldsOfUrl('local:'), { replace: false });
  assert.match(await readFile(real, 'utf8'), /url: "?local:/);
});

test('what could not be read again is not written', async (t) => {
  const { folder } = await sandbox(t);
  const file = join(folder, 'contexts.yaml');
  const fields = { ...fieldsOfUrl('kafka://h'), addressMap: { nonsense: 'h:1' } };
  await assert.rejects(addContext(file, 'a', fields, { replace: false }), UsageError);
  assert.equal(await readContextFile(file), null);
});
