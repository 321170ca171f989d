import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import test from 'node:test';

import { knownContexts } from '../../../src/lib/config/contexts.ts';
import { connectionOf, resolveContext } from '../../../src/lib/config/resolve.ts';
import { trust } from '../../../src/lib/config/trust.ts';
import { NotFoundError, UsageError } from '../../../src/lib/errors.ts';
import { sandbox, type Sandbox } from './sandbox.ts';

const own = 'config/mqctl/contexts.yaml';

async function connect(box: Sandbox, name: string | undefined, changes = {}) {
  const resolving = box.resolving(changes);
  return connectionOf(await resolveContext(name, resolving), resolving);
}

test('a URL works without any file', async (t) => {
  const box = await sandbox(t);
  const context = await resolveContext('amqp://me:topsecret@h:5672/v', box.resolving());
  assert.equal(context.name, 'amqp://h:5672/v');
  const connection = await connectionOf(context, box.resolving());
  assert.deepEqual(
    [connection.url, connection.username, connection.password, connection.tls],
    ['amqp://h:5672/v', 'me', 'topsecret', null],
  );
});

test('a URL from the command line is taken literally', async (t) => {
  const box = await sandbox(t);
  assert.equal((await connect(box, 'amqp://me:${env:HOME}@h')).password, '${env:HOME}');
});

test('without a context the error says how to make one', async (t) => {
  const box = await sandbox(t);
  await assert.rejects(
    resolveContext(undefined, box.resolving()),
    (error) => error instanceof UsageError && /mqctl demo/.test(error.hint ?? ''),
  );
});

test('an unknown context is named with what was meant', async (t) => {
  const box = await sandbox(t);
  await box.write(own, 'contexts: { prod: { url: "kafka://h" } }');
  await assert.rejects(
    resolveContext('prdo', box.resolving()),
    (error) => error instanceof NotFoundError && error.hint === 'did you mean "prod"?',
  );
});

test('-c goes before MQCTL_CONTEXT, and that before the file', async (t) => {
  const box = await sandbox(t);
  await box.write(
    own,
    'current: a\ncontexts: { a: { url: "local:a" }, b: { url: "local:b" }, c: { url: "local:c" } }',
  );
  const withVariable = { environment: { ...box.resolving().environment, MQCTL_CONTEXT: 'b' } };
  assert.equal((await resolveContext(undefined, box.resolving())).name, 'a');
  assert.equal((await resolveContext(undefined, box.resolving(withVariable))).name, 'b');
  assert.equal((await resolveContext('c', box.resolving(withVariable))).name, 'c');
});

test('MQCTL_CONFIG names another file, MQCTL_CONTEXT may be a URL', async (t) => {
  const box = await sandbox(t);
  const MQCTL_CONFIG = await box.write('other.yaml', 'contexts: { x: { url: "kafka://x" } }');
  const environment = { ...box.resolving().environment, MQCTL_CONFIG };
  assert.equal((await resolveContext('x', box.resolving({ environment }))).url, 'kafka://x');
  const url = { environment: { ...environment, MQCTL_CONTEXT: 'kafka://y' } };
  assert.equal((await resolveContext(undefined, box.resolving(url))).url, 'kafka://y');
});

test('placeholders are filled from environment, file, command and prompt', async (t) => {
  const box = await sandbox(t);
  await box.write('config/mqctl/user', 'me\n');
  await box.write('config/mqctl/ca.pem', '-----BEGIN CERTIFICATE-----\nx\n');
  await box.write(
    own,
    `contexts:
  c:
    url: kafkas://\${env:HOST}:9092
    username: \${file:user}
    password: \${cmd:printf 'se%s\\n' cret}
    sasl: { mechanism: X, token: "\${ask:Which token?}" }
    tls: { ca: ca.pem }
    settings: { note: "$\${env:HOST}" }
`,
  );
  const questions: string[] = [];
  const connection = await connect(box, 'c', {
    environment: { ...box.resolving().environment, HOST: 'h${env:X}' },
    ask: async (question: string) => (questions.push(question), 'token'),
  });
  assert.deepEqual(connection, {
    url: 'kafkas://h${env:X}:9092', // what comes out is not looked through again
    username: 'me',
    password: 'secret',
    tls: {
      ca: '-----BEGIN CERTIFICATE-----\nx\n',
      certificate: null,
      key: null,
      keyPassphrase: null,
      serverName: null,
      insecure: false,
    },
    sasl: { mechanism: 'X', fields: { token: 'token' } },
    managementUrl: null,
    resolvedTopic: null,
    addressMap: new Map(),
    settings: { note: '${env:HOST}' },
  });
  assert.deepEqual(questions, ['Which token?']);
});

test('a whole URL can come from the environment, and is then no template', async (t) => {
  const box = await sandbox(t);
  await box.write(own, 'contexts: { c: { url: "${env:URL}" } }');
  const environment = { ...box.resolving().environment, URL: 'amqp://me:${env:HOME}@h/v' };
  const context = await resolveContext('c', box.resolving({ environment }));
  assert.equal(context.url, 'amqp://h/v');
  assert.equal((await connectionOf(context, box.resolving({ environment }))).password, '${env:HOME}');
});

test('only the context that is used is resolved', async (t) => {
  const box = await sandbox(t);
  const marker = join(box.folder, 'ran');
  await box.write(
    own,
    `contexts: { a: { url: "local:" }, b: { url: "kafka://h", password: "\${cmd:touch ${marker}}" } }`,
  );
  await connect(box, 'a');
  await resolveContext('b', box.resolving());
  assert.equal(existsSync(marker), false);
  await connect(box, 'b');
  assert.equal(existsSync(marker), true);
});

const unresolvable: readonly (readonly [string, RegExp])[] = [
  ['${env:NOT_SET}', /context "c", password: the environment variable NOT_SET is not set/],
  ['${file:none}', /password: cannot read .*none: ENOENT/],
  ['${cmd:echo topsecret; exit 3}', /password: the command ended with status 3/],
  ['${ask}', /password: has to be asked for, and nobody can be asked here/],
  ['${what:x}', /password: a placeholder that is not known/],
];

for (const [password, message] of unresolvable) {
  test(`${password} that cannot be filled is an error of ours`, async (t) => {
    const box = await sandbox(t);
    await box.write(own, `contexts: { c: { url: "kafka://h", password: "${password}" } }`);
    await assert.rejects(
      connect(box, 'c'),
      (error) =>
        error instanceof UsageError && message.test(error.message) && !/topsecret/.test(error.message),
    );
  });
}

test('completion runs nothing and asks nobody', async (t) => {
  const box = await sandbox(t);
  const marker = join(box.folder, 'ran');
  await box.write(
    own,
    `contexts: { a: { url: "kafka://h", password: "\${cmd:touch ${marker}}" }, b: { url: "kafka://h", password: "\${ask}" } }`,
  );
  const forCompletion = { forCompletion: true, ask: async () => assert.fail('asked') };
  await assert.rejects(connect(box, 'a', forCompletion), UsageError);
  await assert.rejects(connect(box, 'b', forCompletion), UsageError);
  assert.equal(existsSync(marker), false);
});

test('an abort ends a command that hangs', async (t) => {
  const box = await sandbox(t);
  await box.write(own, 'contexts: { c: { url: "kafka://h", password: "${cmd:exec sleep 60}" } }');
  const ending = new AbortController();
  const connecting = connect(box, 'c', { signal: ending.signal });
  setTimeout(() => ending.abort(), 50);
  await assert.rejects(connecting, { name: 'AbortError' });
});

test('a password that others can read is warned about, a placeholder is not', async (t) => {
  const box = await sandbox(t);
  await box.write(
    own,
    'contexts: { a: { url: "amqp://me:topsecret@h" }, b: { url: "amqp://me:${env:P}@h" } }',
    0o644,
  );
  await resolveContext('b', box.resolving());
  assert.deepEqual(box.warnings, []);
  await resolveContext('a', box.resolving());
  assert.equal(box.warnings.length, 1);
  assert.match(box.warnings.join(), /chmod 600/);
  assert.doesNotMatch(box.warnings.join(), /topsecret/);
});

test('tls beside a plain scheme is refused, since it would be no TLS', async (t) => {
  const box = await sandbox(t);
  await box.write(own, 'contexts: { c: { url: "kafka://h", tls: true } }');
  await assert.rejects(connect(box, 'c'), { hint: 'write kafkas://' });
});

test('a scheme with TLS has it without more words', async (t) => {
  const box = await sandbox(t);
  assert.notEqual((await connect(box, 'kafkas://h')).tls, null);
});

test('a relative local: path is relative to the file that says it', async (t) => {
  const box = await sandbox(t);
  await box.write(own, 'contexts: { c: { url: "local:shop.db" }, d: { url: "local:" } }');
  assert.equal(
    (await resolveContext('c', box.resolving())).url,
    `local:${join(box.folder, 'config/mqctl/shop.db')}`,
  );
  assert.equal((await resolveContext('d', box.resolving())).url, 'local:');
  assert.equal((await resolveContext('local:x.db', box.resolving())).url, 'local:x.db');
});

test('a project file is found upwards to the root of the repository, no further', async (t) => {
  const box = await sandbox(t);
  await box.write('.mqctl.yaml', 'contexts: { outside: { url: "local:" } }');
  await box.write('repository/.git/HEAD', '');
  await box.write('repository/a/b/file', '');
  const directory = join(box.folder, 'repository/a/b');
  assert.equal((await knownContexts(box.resolving({ directory }))).projectFile, null);
  const file = await box.write('repository/.mqctl.yaml', 'contexts: { inside: { url: "local:" } }');
  const known = await knownContexts(box.resolving({ directory }));
  assert.deepEqual(known.projectFile, { file, trusted: false });
  assert.deepEqual([...known.byName.keys()], ['inside']);
});

test('outside of a repository only the folder itself is looked at', async (t) => {
  const box = await sandbox(t);
  await box.write('.mqctl.yaml', 'contexts: { planted: { url: "local:" } }');
  assert.equal((await knownContexts(box.resolving())).projectFile, null);
});

async function project(box: Sandbox, text: string): Promise<string> {
  await box.write('work/.git/HEAD', '');
  return box.write('work/.mqctl.yaml', text);
}

test('an untrusted project is data: it runs, reads and asks nothing, the environment included', async (t) => {
  const box = await sandbox(t);
  const marker = join(box.folder, 'ran');
  for (const field of [
    `password: "\${cmd:touch ${marker}}"`,
    'password: "${file:/etc/hostname}"',
    'password: "${env:HOME}"',
    'password: "${ask}"',
    'tls: { ca: /etc/hostname }',
  ]) {
    await project(box, `contexts:\n  p:\n    url: kafkas://h\n    ${field}\n`);
    await assert.rejects(connect(box, 'p', { ask: async () => assert.fail('asked') }), /is not trusted/);
  }
  await project(box, 'contexts: { p: { url: "${env:HOME}" } }');
  await assert.rejects(resolveContext('p', box.resolving()), /is not trusted/);
  await project(box, 'contexts: { p: { url: "kafka://h", username: me } }');
  assert.equal((await connect(box, 'p')).username, 'me');
  assert.equal(existsSync(marker), false);
});

test('an untrusted project neither redefines a name of the user nor chooses the context', async (t) => {
  const box = await sandbox(t);
  await box.write(own, 'current: prod\ncontexts: { prod: { url: "kafka://mine" } }');
  await project(
    box,
    'current: other\ncontexts: { prod: { url: "kafka://theirs" }, other: { url: "kafka://theirs" } }',
  );
  assert.equal((await resolveContext(undefined, box.resolving())).url, 'kafka://mine');
  assert.match(box.warnings.join(), /using your own "prod"/);
  assert.equal((await resolveContext('other', box.resolving())).url, 'kafka://theirs');
});

test('a trusted project may do all of it, until its file changes', async (t) => {
  const box = await sandbox(t);
  await box.write(own, 'current: prod\ncontexts: { prod: { url: "kafka://mine" } }');
  const text = 'current: prod\ncontexts: { prod: { url: "kafka://theirs", password: "${cmd:echo secret}" } }';
  const file = await project(box, text);
  await trust(box.state, file, text);
  const connection = await connect(box, undefined);
  assert.deepEqual([connection.url, connection.password], ['kafka://theirs', 'secret']);
  await project(box, `${text}\n`);
  assert.equal((await resolveContext(undefined, box.resolving())).url, 'kafka://mine');
});
