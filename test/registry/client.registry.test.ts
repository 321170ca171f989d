import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import type { IncomingMessage } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { addressOf, without } from '../brokers/needs.ts';
import { startRegistryGate, type GateOptions } from '../brokers/registry-gate.ts';
import { certificateFiles, makeCertificates } from '../brokers/test-certificates.ts';
import { DeniedError, FailedError, MqctlError, UnreachableError } from '../../src/lib/errors.ts';
import { openRegistry } from '../../src/lib/schema/registry/open-registry.ts';
import type { SchemaRegistry } from '../../src/lib/schema/registry/registry.ts';
import type { RegistrySettings } from '../../src/lib/schema/registry/settings.ts';

const skip = without('registry');
const never = new AbortController().signal;
const schema = { format: 'avro', text: '{"type":"long"}', references: [] } as const;
let folder = '';
const pem = (name: keyof typeof certificateFiles) => readFile(join(folder, certificateFiles[name]), 'utf8');

before(async () => {
  folder = await mkdtemp(join(tmpdir(), 'mqctl-registry-'));
  await makeCertificates(folder);
});
after(() => rm(folder, { recursive: true, force: true }));

const apis = { confluent: '/apis/ccompat/v7', apicurio: '/apis/registry/v3' } as const;
type Api = keyof typeof apis;

/** The real registry behind a gate, and a client of it with a cache of its own. */
async function gated(options: GateOptions, login: Partial<RegistrySettings> = {}, api: Api = 'confluent') {
  const gate = await startRegistryGate(addressOf('registry'), options);
  const settings: RegistrySettings = {
    url: gate.url + apis[api],
    api: null,
    username: null,
    password: null,
    token: null,
    tls: null,
    ...login,
  };
  const cacheFolder = join(folder, randomUUID());
  const log: string[] = [];
  const open = (timeoutMs = 30_000): SchemaRegistry =>
    openRegistry(settings, { timeoutMs, log: (line) => log.push(line), cacheFolder });
  return {
    gate,
    log,
    open,
    registry: open(),
    subject: `client-${randomUUID()}`,
    [Symbol.asyncDispose]: () => gate.stop(),
  };
}

const tls = (fields: Partial<NonNullable<RegistrySettings['tls']>>): Partial<RegistrySettings> => ({
  tls: {
    ca: null,
    certificate: null,
    key: null,
    keyPassphrase: null,
    serverName: null,
    insecure: false,
    ...fields,
  },
});

function unreachable(pattern: RegExp): (error: unknown) => boolean {
  return (error) => error instanceof UnreachableError && error.exit === 4 && pattern.test(error.message);
}

const server = async () => ({ cert: await pem('serverCertificate'), key: await pem('serverKey') });

for (const api of ['confluent', 'apicurio'] as const) {
  test(`${api}: over TLS, by the authority that is named; a stranger's is exit 4`, { skip }, async () => {
    await using good = await gated({ tls: await server() }, tls({ ca: await pem('ca') }), api);
    const { id } = await good.registry.register({ subject: good.subject, ...schema }, never);
    assert.equal((await good.registry.version(good.subject, 'latest', never))?.text, schema.text);
    const known = await good.registry.byKey({ by: 'id', value: id ?? '' }, never);
    assert.equal(known?.text, schema.text);
    assert.ok(good.gate.requests.length > 0);

    for (const login of [tls({ ca: await pem('strangerCa') }), {}]) {
      await using bad = await gated({ tls: await server() }, login, api);
      await assert.rejects(bad.registry.subjects(never), unreachable(/certificate/));
      assert.deepEqual(bad.gate.requests, []);
    }
    await using insecure = await gated({ tls: await server() }, tls({ insecure: true }), api);
    await insecure.registry.subjects(never);
    assert.ok(insecure.gate.requests.length > 0);
  });

  test(
    `${api}: by user and password, and by a token; without, it is exit 4; what is not allowed is named`,
    { skip },
    async () => {
      const expected = (authorization: string) => (request: IncomingMessage) =>
        request.headers.authorization === authorization ? null : 401;
      const basic = expected(`Basic ${Buffer.from('reader:pä:ss').toString('base64')}`);
      const logins: readonly [Partial<RegistrySettings>, typeof basic][] = [
        [{ username: 'reader', password: 'pä:ss' }, basic],
        [{ token: 'a.b.c' }, expected('Bearer a.b.c')],
      ];
      for (const [login, turnAway] of logins) {
        await using right = await gated({ tls: null, turnAway }, login, api);
        await right.registry.subjects(never);
        assert.ok(right.gate.requests.length > 0);
        for (const wrong of [{}, { username: 'reader', password: 'topsecret' }, { token: 'topsecret' }]) {
          await using refused = await gated({ tls: null, turnAway }, wrong, api);
          await assert.rejects(refused.registry.subjects(never), unreachable(/refused the login/));
          await assert.rejects(
            refused.registry.subjects(never),
            (error) => !String(error instanceof MqctlError && error.hint).includes('topsecret'),
          );
          assert.equal(refused.gate.requests.length, 2, 'a refused login is not tried again');
        }
      }
      await using denied = await gated({ tls: null, turnAway: () => 403 }, {}, api);
      await assert.rejects(
        denied.registry.register({ subject: denied.subject, ...schema }, never),
        DeniedError,
      );
      assert.equal(denied.gate.requests.length, 1);
    },
  );
}

test("by a client certificate; without one, or with a stranger's, it is exit 4", { skip }, async () => {
  const options = {
    tls: { ...(await server()), ca: await pem('ca'), requestCert: true, rejectUnauthorized: true },
  };
  const ca = await pem('ca');
  const mine = { ca, certificate: await pem('clientCertificate'), key: await pem('clientKey') };
  await using known = await gated(options, tls(mine));
  await known.registry.subjects(never);
  assert.equal(known.gate.requests.length, 1);

  await using unknown = await gated(options, tls({ ca }));
  await assert.rejects(unknown.registry.subjects(never), UnreachableError);
  assert.deepEqual(unknown.gate.requests, []);
});

test(
  '429 and 5xx are tried again, Retry-After is waited for, and the third one is told',
  { skip },
  async () => {
    await using place = await gated({ tls: null });
    const { gate, registry, log } = place;
    const soon = { 'retry-after': '0' };
    for (const status of [429, 500, 502, 503, 504]) {
      const before = gate.requests.length;
      gate.next({ status, headers: soon }, { status, headers: soon });
      await registry.subjects(never);
      assert.equal(gate.requests.length - before, 3, status.toString());
    }
    gate.next({ status: 429, headers: { 'retry-after': '1' } }, { status: 500 });
    await registry.subjects(never);
    const pauses = log.flatMap((line) => /again in (\d+) ms/.exec(line)?.[1] ?? []);
    assert.deepEqual(pauses.slice(-2), ['1000', '800']);

    const words = JSON.stringify({ error_code: 50001, message: 'the backend is gone' });
    const broken = { status: 500, body: words, headers: soon };
    gate.next(broken, broken, broken);
    await assert.rejects(
      registry.subjects(never),
      (error) =>
        error instanceof FailedError &&
        error.exit === 1 &&
        /500 3 times: the backend is gone/.test(error.message),
    );
    const away = { status: 503, headers: soon };
    gate.next(away, away, away);
    await assert.rejects(registry.subjects(never), unreachable(/503 3 times/));
  },
);

test('what is waited for before the next attempt ends with Ctrl-C', { skip }, async () => {
  await using place = await gated({ tls: null });
  const { gate, registry } = place;
  gate.next({ status: 503, headers: { 'retry-after': '3' } });
  const ending = new AbortController();
  const asking = registry.subjects(ending.signal);
  const reason = new Error('interrupted');
  while (gate.requests.length === 0) await new Promise((resolve) => setTimeout(resolve, 5));
  setTimeout(() => ending.abort(reason), 50);
  await assert.rejects(asking, (error) => error === reason || ending.signal.aborted);
  assert.equal(gate.requests.length, 1);
});

test('what never answers is exit 4 after the time-out, and says so', { skip }, async () => {
  await using place = await gated({ tls: null });
  const { gate, open } = place;
  gate.next('hang');
  await assert.rejects(open(200).subjects(never), unreachable(/no answer within 200 ms/));
});

test(
  'a schema is asked for once on this machine, by its id; what is not there is asked for again',
  { skip },
  async () => {
    await using place = await gated({ tls: null });
    const { gate, registry, open, subject } = place;
    const { id } = await registry.register({ subject, ...schema }, never);
    const key = { by: 'id', value: id ?? '' } as const;
    const before = gate.requests.length;
    const first = await registry.byKey(key, never);
    assert.deepEqual(await open().byKey(key, never), first);
    assert.equal(gate.requests.length - before, 1);
    const missing = { by: 'id', value: '2147483000' } as const;
    assert.equal(await registry.byKey(missing, never), null);
    assert.equal(await open().byKey(missing, never), null);
    assert.equal(gate.requests.length - before, 3);
    await gate.stop();
    assert.deepEqual(await open().byKey(key, never), first, 'the registry is not needed for what is kept');
  },
);

test('what answers and is no registry is named, and not taken for an empty one', { skip }, async () => {
  const page = { status: 404, body: '<html>not here</html>' };
  await using place = await gated({ tls: null });
  const { gate, registry, subject } = place;
  const wrong = (error: unknown) => error instanceof FailedError && /is no registry/.test(error.message);
  for (const answer of [
    page,
    { status: 404, body: '{"detail":"no such path"}' },
    { status: 200, body: 'hello' },
  ]) {
    gate.next(answer);
    await assert.rejects(registry.version(subject, 'latest', never), wrong, answer.body);
  }
  const elsewhere = openRegistry(
    {
      url: addressOf('registry'),
      api: null,
      username: null,
      password: null,
      token: null,
      tls: null,
    },
    { timeoutMs: 30_000, log: () => undefined, cacheFolder: join(folder, randomUUID()) },
  );
  await assert.rejects(elsewhere.versions(subject, never), wrong, 'without the path of the API');
});
