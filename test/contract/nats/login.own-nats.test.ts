/** Every way to log in to NATS, each at a server that asks for it: the right one works, the wrong one says so, without secrets. */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import {
  createAccount,
  createOperator,
  createUser,
  encodeAccount,
  encodeOperator,
  encodeUser,
  fmtCreds,
} from '@nats-io/jwt';
import type { Connection, Driver } from '../../../src/lib/drivers/driver.ts';
import { open } from '../../../src/lib/drivers/nats/index.ts';
import { UnreachableError } from '../../../src/lib/errors.ts';
import { meansToRun, startNats } from '../../brokers/nats.ts';
import { certificateFiles, makeCertificates } from '../../brokers/test-certificates.ts';

const means = await meansToRun();
const skip = means.able ? false : `${means.reason}: ${means.remedy}`;
const { signal } = new AbortController();

async function hostOf(t: TestContext, configuration: string): Promise<string> {
  const server = await startNats({ configuration });
  t.after(() => server.stop());
  return new URL(server.address).host;
}

async function folderOf(t: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'mqctl-nats-login-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

const noTls: NonNullable<Connection['tls']> = {
  ca: null,
  certificate: null,
  key: null,
  keyPassphrase: null,
  serverName: null,
  insecure: false,
};

interface Opened {
  readonly driver: Driver;
  readonly log: readonly string[];
}

async function opened(host: string, change: Partial<Connection>): Promise<Opened> {
  const log: string[] = [];
  const driver = await open(
    {
      url: `nats://${host}`,
      username: null,
      password: null,
      tls: null,
      sasl: null,
      managementUrl: null,
      addressMap: new Map(),
      settings: {},
      ...change,
    },
    { log: (line) => log.push(line), timeoutMs: 10_000, signal, stateFolder: tmpdir() },
  );
  return { driver, log };
}

/** Logs in, makes a stream and looks at it; nothing that it said of itself holds a secret. */
async function assertWorks(
  host: string,
  change: Partial<Connection>,
  secrets: readonly string[],
): Promise<void> {
  const { driver, log } = await opened(host, change);
  try {
    await driver.admin?.create(
      { channel: 'ORDERS', type: null, partitions: null, settings: {}, deadLetter: null },
      signal,
    );
    const { channel } = await driver.describe('ORDERS', signal);
    assert.equal(channel, 'ORDERS');
    await driver.admin?.delete('ORDERS', signal);
  } finally {
    await driver.close();
  }
  assertNoSecret([driver.target, ...log].join('\n'), secrets);
}

async function assertRefused(
  host: string,
  change: Partial<Connection>,
  says: RegExp,
  secrets: readonly string[],
): Promise<void> {
  await assert.rejects(opened(host, change), (error: unknown) => {
    assert.ok(error instanceof UnreachableError, String(error));
    assert.match(error.message, says);
    assert.equal(error.exit, 4);
    assertNoSecret(`${error.message} ${error.hint ?? ''}`, secrets);
    return true;
  });
}

function assertNoSecret(text: string, secrets: readonly string[]): void {
  for (const secret of secrets) assert.ok(!text.includes(secret), text);
}

test('user and password', { skip }, async (t) => {
  const host = await hostOf(t, 'authorization { user: me, password: right-secret }');
  await assertWorks(host, { username: 'me', password: 'right-secret' }, ['right-secret']);
  const wrong = { username: 'me', password: 'wrong-secret' };
  await assertRefused(host, wrong, /refused user "me"/, ['wrong-secret']);
  await assertRefused(host, {}, /refused a login without a name/, []);
});

test('a token, as a setting or as the name in the address', { skip }, async (t) => {
  const host = await hostOf(t, 'authorization { token: right-token }');
  await assertWorks(host, { settings: { token: 'right-token' } }, ['right-token']);
  await assertWorks(host, { username: 'right-token' }, ['right-token']);
  await assertRefused(host, { settings: { token: 'wrong-token' } }, /refused the token/, ['wrong-token']);
});

test('an nkey, as its seed or the file that holds it', { skip }, async (t) => {
  const [known, stranger] = [createUser(), createUser()];
  const host = await hostOf(t, `authorization { users: [ { nkey: ${known.getPublicKey()} } ] }`);
  const seedOf = (user: typeof known) => new TextDecoder().decode(user.getSeed());
  const file = join(await folderOf(t), 'user.nk');
  await writeFile(file, `${seedOf(known)}\n`);
  const secrets = [seedOf(known), seedOf(stranger)];
  await assertWorks(host, { settings: { nkey: seedOf(known) } }, secrets);
  await assertWorks(host, { settings: { nkey: file } }, secrets);
  await assertRefused(host, { settings: { nkey: seedOf(stranger) } }, /refused the nkey/, secrets);
});

test('a credentials file of an operator, also when it has expired', { skip }, async (t) => {
  const [operator, account, user] = [createOperator(), createAccount(), createUser()];
  const now = Math.floor(Date.now() / 1_000);
  const connections = { conn: -1, subs: -1, data: -1, payload: -1, leaf: -1 };
  const unlimited = {
    ...connections,
    imports: -1,
    exports: -1,
    wildcards: true,
    disk_storage: -1,
    mem_storage: -1,
    streams: -1,
    consumer: -1,
  };
  const accountToken = await encodeAccount('shop', account, { limits: unlimited }, { signer: operator });
  const credentials = async (expires: Parameters<typeof encodeUser>[4]) =>
    new TextDecoder().decode(fmtCreds(await encodeUser('mqctl', user, account, {}, expires), user));
  const system = createAccount();
  const systemToken = await encodeAccount('system', system, {}, { signer: operator });
  const host = await hostOf(
    t,
    [
      `operator: ${await encodeOperator('test', operator)}`,
      `system_account: ${system.getPublicKey()}`,
      'resolver: MEMORY',
      `resolver_preload: { ${account.getPublicKey()}: ${accountToken}, ${system.getPublicKey()}: ${systemToken} }`,
    ].join('\n'),
  );
  const [right, expired] = [await credentials({}), await credentials({ exp: now - 60 })];
  const folder = await folderOf(t);
  const file = join(folder, 'user.creds');
  await writeFile(file, right);
  const secrets = [
    new TextDecoder().decode(user.getSeed()),
    ...right.split('\n').filter((line) => /^eyJ/.test(line)),
  ];
  await assertWorks(host, { settings: { creds: file } }, secrets);
  await assertWorks(host, { settings: { creds: right } }, secrets);
  await assertRefused(host, { settings: { creds: expired } }, /refused the credentials/, secrets);
  const stranger = createUser();
  const strange = fmtCreds(await encodeUser('x', stranger, createAccount()), stranger);
  await assertRefused(
    host,
    { settings: { creds: new TextDecoder().decode(strange) } },
    /refused the credentials/,
    [...secrets, new TextDecoder().decode(stranger.getSeed())],
  );
});

test(
  'TLS with an authority, a client certificate where the server wants one, and TLS from the first byte',
  { skip },
  async (t) => {
    const folder = await folderOf(t);
    await makeCertificates(folder);
    const path = (name: keyof typeof certificateFiles) =>
      JSON.stringify(join(folder, certificateFiles[name]));
    const read = (name: keyof typeof certificateFiles) =>
      readFile(join(folder, certificateFiles[name]), 'utf8');
    const server = `cert_file: ${path('serverCertificate')}, key_file: ${path('serverKey')}`;
    const [plain, mutual, first] = await Promise.all([
      hostOf(t, `tls { ${server} }`),
      hostOf(t, `tls { ${server}, ca_file: ${path('ca')}, verify: true }`),
      hostOf(t, `tls { ${server}, handshake_first: true }`),
    ]);
    const [ca, strangerCa, certificate, key] = await Promise.all([
      read('ca'),
      read('strangerCa'),
      read('clientCertificate'),
      read('clientKey'),
    ]);
    const trusting = { ...noTls, ca };
    await assertWorks(plain, { tls: trusting }, []);
    await assertWorks(plain, { tls: { ...noTls, insecure: true } }, []);
    await assertRefused(plain, { tls: { ...noTls, ca: strangerCa } }, /certificate of .* is not trusted/, []);
    await assertWorks(mutual, { tls: { ...trusting, certificate, key } }, [key]);
    await assertRefused(
      mutual,
      { tls: trusting },
      /wants another client certificate|closed the connection after the TLS handshake/,
      [],
    );
    await assertWorks(first, { tls: trusting, settings: { tlsFirst: 'true' } }, []);
  },
);

test('JetStream of a domain, and of another account by its prefix', { skip }, async (t) => {
  const domain = await startNats({
    jetstream: false,
    configuration: `jetstream { domain: hub, store_dir: ${JSON.stringify(await folderOf(t))} }`,
  });
  t.after(() => domain.stop());
  const { host } = new URL(domain.address);
  await assertWorks(host, { settings: { jetstreamDomain: 'hub' } }, []);
  await assertWorks(host, { settings: { jetstreamApiPrefix: '$JS.hub.API' } }, []);
  const elsewhere = await opened(host, { settings: { jetstreamDomain: 'nowhere' } });
  await assert.rejects(elsewhere.driver.describe('ORDERS', signal), /JetStream does not answer/);
  await elsewhere.driver.close();

  const shared = await hostOf(
    t,
    `accounts {
      A { jetstream: enabled, users: [ { user: a, password: a } ],
          exports: [ { service: "$JS.API.>", response: stream }, { service: "$JS.ACK.>" } ] }
      B { users: [ { user: b, password: b } ],
          imports: [ { service: { account: A, subject: "$JS.API.>" }, to: "A.API.>" }, { service: { account: A, subject: "$JS.ACK.>" } } ] }
    }`,
  );
  await assertWorks(shared, { username: 'b', password: 'b', settings: { jetstreamApiPrefix: 'A.API' } }, []);
});
