import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { addressOf, without } from '../brokers/needs.ts';
import { startRegistryGate } from '../brokers/registry-gate.ts';
import { certificateFiles, makeCertificates } from '../brokers/test-certificates.ts';
import { mqctl } from './run-mqctl.ts';
import { workplace } from './workplace.ts';

const skip = without('registry');
const customer = {
  type: 'record',
  name: 'Customer',
  namespace: 'shop',
  fields: [{ name: 'id', type: 'long' }],
};
const order = {
  type: 'record',
  name: 'Order',
  namespace: 'shop',
  fields: [
    { name: 'total', type: 'int' },
    { name: 'by', type: 'shop.Customer' },
  ],
};
const laterOrder = { ...order, fields: [...order.fields, { name: 'note', type: 'string', default: '' }] };
const brokenOrder = { ...order, fields: [...order.fields, { name: 'currency', type: 'string' }] };

for (const [api, path] of [
  ['confluent', '/apis/ccompat/v7'],
  ['apicurio', '/apis/registry/v3'],
] as const) {
  test(
    `${api}: a message is encoded, framed, decoded and filtered, with references and evolution`,
    { skip },
    async (t) => {
      const { done, channel, registry, subject, file } = await shop(t, path);
      await done([
        'schema',
        'register',
        `${subject}-customer`,
        await file('customer.avsc', customer),
        '--yes',
        ...registry,
      ]);
      const reference = ['--reference', `shop.Customer=${subject}-customer:1`];
      await done([
        'schema',
        'register',
        subject,
        await file('order.avsc', order),
        '--yes',
        ...reference,
        ...registry,
      ]);
      const shopChannel = await channel();
      const byNewest = ['--value-schema', `subject:${subject}`, ...registry];
      await done(['produce', shopChannel, ...byNewest], '{"total":7,"by":{"id":"9007199254740993"}}\n');
      await done([
        'schema',
        'register',
        subject,
        await file('later.avsc', laterOrder),
        '--yes',
        ...reference,
        ...registry,
      ]);
      await done(['produce', shopChannel, ...byNewest], '{"total":8,"by":{"id":1},"note":"new"}\n');

      const { stdout } = await done(['consume', shopChannel, '-o', 'ndjson', ...registry]);
      const records = lines(stdout);
      assert.deepEqual(
        records.map((record) => record['decoded']),
        [
          { total: 7, by: { id: '9007199254740993' } },
          { total: 8, by: { id: 1 }, note: 'new' },
        ],
      );
      assert.deepEqual(records[0]?.['schema'], {
        ...Object(records[0]?.['schema']),
        name: 'shop.Order',
        framing: 'confluent',
      });

      const filtered = await done([
        'consume',
        shopChannel,
        '--filter',
        'value.total > 7',
        '-o',
        'ndjson',
        ...registry,
      ]);
      assert.equal(lines(filtered.stdout).length, 1);

      const plain = await done(['consume', shopChannel, '-o', 'raw', '--decode', 'none', ...registry]);
      const kept = await done(['consume', shopChannel, '-o', 'raw', ...registry]);
      assert.deepEqual(plain.stdout, kept.stdout);
    },
  );

  test(
    `${api}: scan groups what is poisoning a channel, by ranges that consume, replay and dlq take`,
    { skip },
    async (t) => {
      const { done, run, channel, registry, subject, file } = await shop(t, path);
      await done([
        'schema',
        'register',
        subject,
        await file('customer.avsc', customer),
        '--yes',
        ...registry,
      ]);
      const shopChannel = await channel();
      await done(
        ['produce', shopChannel, '--value-schema', `subject:${subject}`, ...registry],
        '{"id":1}\n{"id":2}\n',
      );
      const unknown = {
        channel: shopChannel,
        value: { base64: Buffer.from([0, 0x7f, 0xff, 0xff, 0xff, 2]).toString('base64') },
      };
      await done(['produce', shopChannel, '--format', 'ndjson'], `${JSON.stringify(unknown)}\n`);
      await done(['produce', shopChannel], '{"id":3}\n');

      const scanned = await run([
        'schema',
        'scan',
        shopChannel,
        '-o',
        'json',
        '--fail-on-invalid',
        ...registry,
      ]);
      assert.equal(scanned.code, 3, scanned.stderr);
      const { groups } = JSON.parse(scanned.stdout.toString()) as {
        groups: { reason: string; count: number; range: { from: string; until: string } }[];
      };
      const counts = Object.fromEntries(groups.map(({ reason, count }) => [reason, count]));
      assert.deepEqual(counts, { 'unknown-schema': 1, 'unframed-json': 1, ok: 2 });
      const range = groups.find(({ reason }) => reason === 'unknown-schema')?.range;
      assert.ok(range !== undefined);
      const read = await done([
        'consume',
        shopChannel,
        '--from',
        range.from,
        '--until',
        range.until,
        '-o',
        'ndjson',
      ]);
      assert.deepEqual(
        lines(read.stdout).map((record) => record['value']),
        [unknown.value],
      );
      const copies = await channel();
      await done([
        'replay',
        shopChannel,
        '--to',
        copies,
        '--from',
        range.from,
        '--until',
        range.until,
        '--yes',
      ]);
      const copied = lines((await done(['consume', copies, '-o', 'ndjson'])).stdout);
      assert.deepEqual(
        copied.map((record) => record['value']),
        [unknown.value],
      );
      const where = ['--from', range.from, '--until', range.until];
      const inspected = await done(['dlq', 'inspect', shopChannel, ...where, '-o', 'ndjson']);
      assert.deepEqual(
        lines(inspected.stdout).map((record) => record['value']),
        [unknown.value],
      );
      const aside = await channel();
      await done(['dlq', 'redrive', shopChannel, ...where, '--to', aside, '--yes', '--no-canary']);
      assert.deepEqual(
        lines((await done(['consume', aside, '-o', 'ndjson'])).stdout).map((record) => record['value']),
        [unknown.value],
      );
    },
  );

  test(`${api}: check against a subject shows the message that would break`, { skip }, async (t) => {
    const { done, run, registry, subject, file } = await shop(t, path);
    const flat = { ...order, fields: [{ name: 'total', type: 'int' }] };
    await done(['schema', 'register', subject, await file('order.avsc', flat), '--yes', ...registry]);
    const broken = await file('broken.avsc', {
      ...brokenOrder,
      fields: [...flat.fields, { name: 'currency', type: 'string' }],
    });
    const against = ['--mode', 'backward', '--against', `subject:${subject}`, ...registry];
    const { code, stdout } = await run(['schema', 'check', broken, ...against]);
    assert.equal(code, 3);
    assert.match(stdout.toString(), /READER_FIELD_MISSING_DEFAULT_VALUE/);
    assert.match(stdout.toString(), /data: breaks, with \{"total":0\}/);
    assert.equal((await run(['schema', 'check', await file('same.avsc', flat), ...against])).code, 0);
    const diff = await done(['schema', 'diff', `subject:${subject}@1`, broken, ...registry]);
    assert.match(diff.stdout.toString(), /^\+ shop\.Order\.currency: string$/m);
    const unknown = await run([
      'schema',
      'check',
      broken,
      '--against',
      `subject:${subject}-none`,
      ...registry,
    ]);
    assert.equal(unknown.code, 0, 'a subject without versions is no error');
  });
}

test(
  'an id that is not registered, and a subject that is not there, are exit 1 and named',
  { skip },
  async (t) => {
    const { run, registry } = await shop(t, '/apis/ccompat/v7');
    const byId = await run(['schema', 'get', '--id', '999999', ...registry]);
    assert.equal(byId.code, 1);
    assert.match(byId.stderr, /999999/);
    const decoded = await run(['schema', 'decode', '--hex', '007fffffff02', ...registry]);
    assert.equal(decoded.code, 1);
    assert.match(decoded.stderr, /id 2147483647 is not registered/);
  },
);

test(
  'one invalid line keeps all from being sent; with --skip-invalid the rest is sent, exit 6',
  { skip },
  async (t) => {
    const { done, run, channel, registry, subject, file } = await shop(t, '/apis/ccompat/v7');
    await done(['schema', 'register', subject, await file('customer.avsc', customer), '--yes', ...registry]);
    const shopChannel = await channel();
    const input = '{"id":1}\n{"id":"x"}\n{"id":3}\n';
    const words = ['produce', shopChannel, '--value-schema', `subject:${subject}`, ...registry];
    const refused = await run(words, input);
    assert.equal(refused.code, 2);
    assert.match(refused.stderr, /line 2: .*\/id/);
    assert.equal((await done(['consume', shopChannel, '-o', 'ndjson'])).stdout.length, 0);
    const skipping = await run([...words, '--skip-invalid'], input);
    assert.equal(skipping.code, 6, skipping.stderr);
    assert.equal(lines((await done(['consume', shopChannel, '-o', 'ndjson'])).stdout).length, 2);
  },
);

test('with the registry away, consume shows bytes and says so once; a schema command is exit 4', async (t) => {
  const { done, run, channel } = await shop(t, '');
  const shopChannel = await channel();
  await done(['produce', shopChannel], '{"id":1}\n');
  const framed = { channel: shopChannel, value: { base64: 'AAAAAAcC' } };
  await done(['produce', shopChannel, '--format', 'ndjson'], `${JSON.stringify(framed)}\n`.repeat(3));
  const nowhere = ['--registry', 'http://127.0.0.1:1'];
  const { stdout, stderr } = await done(['consume', shopChannel, '-o', 'ndjson', ...nowhere]);
  assert.equal(lines(stdout).length, 4);
  assert.equal(stderr.match(/could not reach the registry/g)?.length, 1);
  for (const words of [['ls'], ['get', 'x'], ['scan', shopChannel], ['decode', '--hex', '000000000702']])
    assert.equal((await run(['schema', ...words, ...nowhere])).code, 4, words.join(' '));
});

test(
  'a registry that stops in mid-stream: consume shows the rest as bytes with one note, scan is exit 4',
  { skip },
  async (t) => {
    const { done, run, channel, registry, subject, file } = await shop(t, '/apis/ccompat/v7');
    const name = await channel();
    for (const [version, schema] of [customer, { ...customer, name: 'Buyer' }].entries()) {
      const own = `${subject}-${version.toString()}`;
      const path = await file(`${version.toString()}.avsc`, schema);
      await done(['schema', 'register', own, path, '--yes', ...registry]);
      const words = ['produce', name, '--value-schema', `subject:${own}`, ...registry];
      await done(words, '{"id":1}\n{"id":2}\n');
    }
    await using reading = await startRegistryGate(addressOf('registry'), { tls: null });
    reading.stopAfter(1);
    const through = ['--registry', `${reading.url}/apis/ccompat/v7`];
    const decodedOf = (bytes: Buffer) => lines(bytes).map((record) => record['decoded'] ?? null);
    const { stdout, stderr } = await done(['consume', name, '-o', 'ndjson', ...through]);
    assert.deepEqual(decodedOf(stdout), [{ id: 1 }, { id: 2 }, null, null]);
    assert.equal(stderr.match(/not decoded: could not reach the registry/g)?.length, 1, stderr);
    assert.equal(reading.requests.length, 1);

    // What was asked for is kept by its id: it is decoded although nothing listens there any more.
    const kept = await done(['consume', name, '--until', 'start+2', '-o', 'ndjson', ...through]);
    assert.deepEqual(decodedOf(kept.stdout), [{ id: 1 }, { id: 2 }]);
    assert.doesNotMatch(kept.stderr, /registry/);

    await using scanning = await startRegistryGate(addressOf('registry'), { tls: null });
    scanning.stopAfter(1);
    const scanned = await run(['schema', 'scan', name, '--registry', `${scanning.url}/apis/ccompat/v7`]);
    assert.equal(scanned.code, 4, scanned.stderr);
    assert.match(scanned.stderr, /could not reach the registry/);
  },
);

test('consume --limit asks for no schema of what it does not show', { skip }, async (t) => {
  const { done, channel, registry, subject, file } = await shop(t, '/apis/ccompat/v7');
  const name = await channel();
  for (const [version, schema] of [customer, { ...customer, name: 'Buyer' }].entries()) {
    const own = `${subject}-${version.toString()}`;
    const path = await file(`${version.toString()}.avsc`, schema);
    await done(['schema', 'register', own, path, '--yes', ...registry]);
    const words = ['produce', name, '--value-schema', `subject:${own}`, ...registry];
    await done(words, '{"id":1}\n{"id":2}\n');
  }
  await using gate = await startRegistryGate(addressOf('registry'), { tls: null });
  const through = ['-o', 'ndjson', '--registry', `${gate.url}/apis/ccompat/v7`];
  const shown = async (limit: number) =>
    lines((await done(['consume', name, '--limit', limit.toString(), ...through])).stdout).map(
      (record) => record['decoded'],
    );
  assert.deepEqual(await shown(2), [{ id: 1 }, { id: 2 }]);
  const asked = [...gate.requests];
  assert.ok(asked.length > 0);
  assert.deepEqual(await shown(3), [{ id: 1 }, { id: 2 }, { id: 1 }]);
  const ids = new Set(gate.requests.flatMap((path) => /\/schemas\/ids\/(\d+)/.exec(path)?.[1] ?? []));
  const first = new Set(asked.flatMap((path) => /\/schemas\/ids\/(\d+)/.exec(path)?.[1] ?? []));
  assert.deepEqual([first.size, ids.size], [1, 2]);
});

test(
  'a context names the registry with its certificates and login; neither is ever shown',
  { skip },
  async (t) => {
    const { done, channel, folder, registry, subject, file } = await shop(t, '/apis/ccompat/v7');
    await makeCertificates(folder);
    const pem = (name: string) => readFile(join(folder, name), 'utf8');
    const password = 'topsecret';
    const basic = `Basic ${Buffer.from(`reader:${password}`).toString('base64')}`;
    await using gate = await startRegistryGate(addressOf('registry'), {
      tls: {
        cert: await pem(certificateFiles.serverCertificate),
        key: await pem(certificateFiles.serverKey),
        ca: await pem(certificateFiles.ca),
        requestCert: true,
        rejectUnauthorized: true,
      },
      turnAway: ({ headers }) => (headers.authorization === basic ? null : 401),
    });
    const ca = `\${file:${join(folder, certificateFiles.ca)}}`;
    const tls = {
      ca,
      certificate: `\${file:${join(folder, certificateFiles.clientCertificate)}}`,
      key: `\${file:${join(folder, certificateFiles.clientKey)}}`,
    };
    const context = (fields: object) => ({
      url: 'local:shop.db',
      registry: { url: `${gate.url}/apis/ccompat/v7`, username: 'reader', password, tls, ...fields },
    });
    const contexts = {
      right: context({}),
      refused: context({ password: 'wrong-secret' }),
      uncertified: context({ tls: { ca } }),
    };
    await mkdir(join(folder, 'config', 'mqctl'), { recursive: true });
    const path = join(folder, 'config', 'mqctl', 'contexts.yaml');
    await writeFile(path, JSON.stringify({ contexts }).replaceAll('shop.db', join(folder, 'shop.db')), {
      mode: 0o600,
    });
    await done(['schema', 'register', subject, await file('c.avsc', customer), '--yes', ...registry]);
    const name = await channel();
    await done(['produce', name, '--value-schema', `subject:${subject}`, ...registry], '{"id":1}\n');

    const by = (chosen: string, words: readonly string[]) => mqctl([...words, '-c', chosen], { folder });
    const consumed = await by('right', ['consume', name, '-o', 'ndjson', '--debug']);
    assert.equal(consumed.code, 0, consumed.stderr);
    assert.deepEqual(lines(consumed.stdout)[0]?.['decoded'], { id: 1 });
    assert.doesNotMatch(consumed.stderr, /secret|PRIVATE KEY/);
    for (const chosen of ['refused', 'uncertified']) {
      const refused = await by(chosen, ['schema', 'ls', '--debug']);
      assert.equal(refused.code, 4, refused.stderr);
      assert.doesNotMatch(refused.stderr, /secret|PRIVATE KEY/);
    }
    // With nothing kept, the messages are shown all the same.
    await rm(join(folder, 'cache'), { recursive: true });
    const bytes = await by('refused', ['consume', name, '-o', 'ndjson']);
    assert.equal(bytes.code, 0, bytes.stderr);
    assert.deepEqual(
      lines(bytes.stdout).map((record) => record['decoded'] ?? null),
      [null],
    );
    assert.equal(bytes.stderr.match(/not decoded:/g)?.length, 1, bytes.stderr);
  },
);

/** A local broker, and the real registry under one of its two APIs. */
async function shop(t: TestContext, path: string) {
  const place = await workplace(t, 'local:shop.db');
  return {
    ...place,
    registry: ['--registry', path === '' ? 'http://127.0.0.1:1' : `${addressOf('registry')}${path}`],
    subject: `cli-${randomUUID()}`,
    file: async (name: string, schema: object) => {
      await writeFile(join(place.folder, name), JSON.stringify(schema));
      return name;
    },
  };
}

function lines(bytes: Buffer): Readonly<Record<string, unknown>>[] {
  return bytes
    .toString()
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>);
}
