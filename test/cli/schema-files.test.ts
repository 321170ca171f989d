import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { promisify, stripVTControlCharacters } from 'node:util';
import { onTerminal, withoutTerminal } from './terminal.ts';
import { workplace } from './workplace.ts';

const run = promisify(execFile);
const order = { type: 'record', name: 'Order', fields: [{ name: 'total', type: 'int' }] };
const brokenOrder = { ...order, fields: [...order.fields, { name: 'currency', type: 'string' }] };

interface SarifLocation {
  readonly physicalLocation: { readonly artifactLocation: { readonly uri: string } };
}
interface SarifDocument {
  readonly runs: readonly {
    readonly results: readonly {
      readonly ruleId: string;
      readonly locations: readonly SarifLocation[];
      readonly relatedLocations: readonly SarifLocation[];
    }[];
  }[];
}

/** A folder with a local broker, and files in it. */
async function shop(t: TestContext) {
  const place = await workplace(t, 'local:shop.db');
  return {
    ...place,
    file: async (name: string, content: object | string) => {
      const text = typeof content === 'string' ? content : JSON.stringify(content);
      await writeFile(join(place.folder, name), text);
      return name;
    },
  };
}

/** A git repository of its own, whose first commit holds what the folder has. */
async function commitAll(folder: string): Promise<void> {
  const git = (...words: string[]) =>
    run('git', ['-c', 'user.name=t', '-c', 'user.email=t@example.com', ...words], { cwd: folder });
  await git('init', '--quiet', '--initial-branch', 'main');
  await git('add', 'schemas');
  await git('commit', '--quiet', '--message', 'first');
}

test('check against a git revision: the same path, another path, another folder, and what is not there', async (t) => {
  const { folder, file, run: mqctl } = await shop(t);
  await mkdir(join(folder, 'schemas'));
  const path = await file('schemas/order.avsc', order);
  await commitAll(folder);
  await file(path, brokenOrder);
  const proposed = await file('proposed.avsc', brokenOrder);
  const check = (schema: string, against: string) => mqctl(['schema', 'check', schema, '--against', against]);

  const same = await check(path, 'git:main');
  assert.equal(same.code, 3, same.stderr);
  assert.match(same.stdout.toString(), /data: breaks, with \{"total":0\}/);
  assert.match(same.stdout.toString(), /main:schemas\/order\.avsc/);
  assert.equal((await check(proposed, `git:HEAD:${path}`)).code, 3);
  await file(path, order);
  assert.equal((await check(path, 'git:main')).code, 0);

  const noRevision = await check(path, 'git:nowhere');
  assert.equal(noRevision.code, 2);
  assert.match(noRevision.stderr, /git has no nowhere:schemas\/order\.avsc/);
  assert.equal((await check(proposed, 'git:main')).code, 2, 'it is not in that revision');
  assert.equal((await check(path, 'git:--output=x')).code, 2, 'a revision is no flag of git');
});

test('check as SARIF and as JUnit: one document on stdout, and the exit code of the answer', async (t) => {
  const { file, run: mqctl } = await shop(t);
  const words = [
    'schema',
    'check',
    await file('order.avsc', brokenOrder),
    '--against',
    await file('v1.avsc', order),
  ];
  const sarif = await mqctl([...words, '-o', 'sarif']);
  assert.equal(sarif.code, 3, sarif.stderr);
  const { runs } = JSON.parse(sarif.stdout.toString()) as SarifDocument;
  const [result] = runs[0]?.results ?? [];
  assert.equal(result?.ruleId, 'READER_FIELD_MISSING_DEFAULT_VALUE');
  const uris = [...result.locations, ...result.relatedLocations].map(
    ({ physicalLocation }) => physicalLocation.artifactLocation.uri,
  );
  assert.deepEqual(uris, ['order.avsc', 'v1.avsc']);

  const junit = await mqctl([...words, '--mode', 'full', '-o', 'junit']);
  assert.equal(junit.code, 3, junit.stderr);
  assert.match(junit.stdout.toString(), /<testsuite .*tests="2" failures="1" skipped="0">/);
  assert.match(
    junit.stdout.toString(),
    /<failure message="READER_FIELD_MISSING_DEFAULT_VALUE: [^\n]*&#10; {2}reader /,
  );
});

test('diff shows what changed and what breaks in both directions, and is exit 0', async (t) => {
  const { folder, file, run: mqctl } = await shop(t);
  await mkdir(join(folder, 'schemas'));
  const path = await file('schemas/order.avsc', order);
  await commitAll(folder);
  await file(path, brokenOrder);
  const text = await mqctl(['schema', 'diff', 'git:main', path]);
  assert.equal(text.code, 0, text.stderr);
  assert.match(text.stdout.toString(), /^\+ Order\.currency: string$/m);
  assert.match(text.stdout.toString(), /data: breaks, with \{"total":0\}/);
  assert.match(text.stdout.toString(), /^ok {2}main:schemas\/order\.avsc reads what/m);

  const json = await mqctl(['schema', 'diff', `git:main:${path}`, path, '-o', 'json']);
  assert.equal(json.code, 0, json.stderr);
  const { elements } = JSON.parse(json.stdout.toString()) as { elements: unknown };
  assert.deepEqual(elements, [{ change: 'added', element: 'Order.currency', before: null, after: 'string' }]);

  const proto = await file('order.proto', 'syntax = "proto3"; message Order {}');
  const mixed = await mqctl(['schema', 'diff', path, proto]);
  assert.equal(mixed.code, 2);
  assert.match(mixed.stderr, /format avro.*format protobuf/);
  assert.equal((await mqctl(['schema', 'diff', 'git:main', 'git:main'])).code, 2, 'no path is named');
});

test('one key or value that the schema refuses keeps every message back', async (t) => {
  const { file, run: mqctl, done, channel } = await shop(t);
  const schema = await file('order.avsc', order);
  const name = await channel();
  const count = async () =>
    (await done(['consume', name, '-o', 'ndjson'])).stdout.toString().split('\n').filter(Boolean).length;

  const values = await mqctl(
    ['produce', name, '--validate', '--value-schema', schema],
    '{"total":1}\n{"total":"x"}\n',
  );
  assert.equal(values.code, 2, values.stderr);
  assert.match(values.stderr, /line 2: .*value at \/total/);
  assert.equal(await count(), 0);

  const byKey = ['produce', name, '--key-separator', '|', '--validate', '--key-schema', schema];
  const keys = await mqctl(byKey, '{"total":1}|a\n{"total":false}|b\n');
  assert.equal(keys.code, 2, keys.stderr);
  assert.match(keys.stderr, /line 2: .*key at \/total/);
  assert.equal(await count(), 0);

  await done(byKey, '{"total":1}|a\n{"total":2}|b\n');
  assert.equal(await count(), 2);
});

test('a single object of Avro needs no registry: it is encoded by a file, and read back by it', async (t) => {
  const { file, run: mqctl, done, channel } = await shop(t);
  const schema = await file('order.avsc', order);
  const name = await channel();
  const words = ['produce', name, '--value-schema', schema];
  await done([...words, '--framing', 'avro-single-object'], '{"total":1}\n');
  const { stdout } = await done(['consume', name, '-o', 'raw']);
  assert.equal(stdout.subarray(0, 2).toString('hex'), 'c301');
  const decoded = await done(['schema', 'decode', '--schema', schema, '-o', 'json'], stdout);
  const { value, framing } = JSON.parse(decoded.stdout.toString()) as { value: unknown; framing: unknown };
  assert.deepEqual([value, framing], [{ total: 1 }, 'avro-single-object']);
  assert.equal((await mqctl([...words, '--framing', 'confluent'], '{"total":1}\n')).code, 2);
});

test('validate reads files and stdin alike; with --fail-on-invalid what is invalid is exit 3', async (t) => {
  const { file, run: mqctl } = await shop(t);
  const schema = await file('order.avsc', order);
  const bad = '{"total":1}\n{"total":"x"}\n{"sum":3}\n{"total":true}\n';
  const words = ['schema', 'validate', '--schema', schema, '-o', 'json'];
  const counts = (bytes: Buffer) => {
    const {
      valid,
      invalid,
      counts: failures,
    } = JSON.parse(bytes.toString()) as {
      valid: number;
      invalid: number;
      counts: readonly { code: string; count: number }[];
    };
    return { valid, invalid, failures: failures.map(({ code, count }) => [code, count]) };
  };
  const expected = {
    valid: 1,
    invalid: 3,
    failures: [
      ['type', 2],
      ['required', 1],
      ['unknown-field', 1],
    ],
  };

  const fromFile = await mqctl([...words, await file('orders.ndjson', bad)]);
  assert.equal(fromFile.code, 0, fromFile.stderr);
  assert.deepEqual(counts(fromFile.stdout), expected);
  const fromStdin = await mqctl([...words, '--fail-on-invalid'], bad);
  assert.equal(fromStdin.code, 3, fromStdin.stderr);
  assert.deepEqual(counts(fromStdin.stdout), expected);
  assert.equal((await mqctl([...words, '--fail-on-invalid'], '{"total":1}\n')).code, 0);
});

test('validate looks at a sample of a channel, by positions, a filter and a number as consume does', async (t) => {
  const { file, run: mqctl, done, channel } = await shop(t);
  const schema = await file('order.avsc', order);
  const name = await channel();
  await done(['produce', name], '{"total":"x"}\n{"total":2}\n{"total":false}\n{"total":4}\n{"total":5}\n');
  const looked = async (...words: string[]) => {
    const asked = ['schema', 'validate', '--channel', name, '--schema', schema, '-o', 'json', ...words];
    const { stdout } = await done(asked);
    const { valid, failures } = JSON.parse(stdout.toString()) as {
      valid: number;
      failures: readonly { place: string }[];
    };
    return [valid, failures.map(({ place }) => place)];
  };
  assert.deepEqual(await looked(), [3, [`${name} 0 0`, `${name} 0 2`]]);
  assert.deepEqual(await looked('--sample', '2'), [2, []], 'the last ones');
  assert.deepEqual(await looked('--from', 'start', '--sample', '2'), [1, [`${name} 0 0`]]);
  assert.deepEqual(await looked('--from', '0:1', '--until', '0:4'), [2, [`${name} 0 2`]]);
  assert.deepEqual(await looked('--filter', 'value.total != 5 && value.total != "x"'), [2, [`${name} 0 2`]]);
  const words = ['schema', 'validate', '--channel', name, '--schema', schema, '--fail-on-invalid'];
  assert.equal((await mqctl(words)).code, 3);
  assert.equal((await mqctl([...words, '--from', '0:3'])).code, 0);
});

test(
  'scan on a terminal of eighty columns keeps the whole reason of each group, and its range',
  { skip: withoutTerminal },
  async (t) => {
    const { folder, done, channel } = await shop(t);
    const name = await channel();
    await done(['produce', name], '{"total":1}\n{"total":2}\n');
    const words = ['schema', 'scan', name, '-c', 'local:shop.db', '--registry', 'http://127.0.0.1:1'];
    const shown = stripVTControlCharacters(await onTerminal(words, folder, { COLUMNS: '80' }));
    assert.match(shown, /unframed-json, value, no frame\r?\n {2}the first one: it says of no schema\r?\n/);
    assert.match(shown, /^ {2}--from 0:0 --until 0:2\r?$/m);
  },
);

test('infer writes a schema by which its samples are valid, from a file, stdin and a channel alike', async (t) => {
  const { file, run: mqctl, done, channel } = await shop(t);
  const samples = '{"id":1,"note":"a"}\n{"id":2}\n';
  const path = await file('orders.ndjson', samples);
  const fromFile = await done(['schema', 'infer', path]);
  const inferred = await file('inferred.json', fromFile.stdout.toString());
  assert.equal(
    (await mqctl(['schema', 'validate', path, '--schema', inferred, '--fail-on-invalid'])).code,
    0,
  );
  assert.deepEqual((await done(['schema', 'infer'], samples)).stdout, fromFile.stdout);
  const name = await channel();
  await done(['produce', name], samples);
  assert.deepEqual((await done(['schema', 'infer', '--channel', name])).stdout, fromFile.stdout);
  const one = await done(['schema', 'infer', '--channel', name, '--sample', '1', '-o', 'json']);
  assert.equal((JSON.parse(one.stdout.toString()) as { samples: number }).samples, 1);

  const avro = await done(['schema', 'infer', path, '--schema-format', 'avro', '--name', 'shop.Order']);
  const record = await file('order.avsc', avro.stdout.toString());
  assert.equal((await mqctl(['schema', 'check', record, '--against', record])).code, 0);
  const table = await done(['schema', 'infer', path, '-o', 'table']);
  assert.match(table.stdout.toString(), /^\/note +1 +2 objects +string/m);
  assert.match(table.stderr, /3 places in 2 samples; all are valid by this schema/);
});

test('infer says what it cannot use: no JSON, nothing at all, records of its own, a name that is none', async (t) => {
  const { run: mqctl, done, channel } = await shop(t);
  const words = ['schema', 'infer'];
  const text = await mqctl(words, 'hello\nworld\n');
  assert.equal(text.code, 1);
  assert.match(text.stderr, /none of 2 samples is JSON, the first of them at line 1/);
  assert.equal((await mqctl(words)).code, 1);
  const mixed = await mqctl(words, '{"a":1}\nhello\n');
  assert.equal(mixed.code, 0);
  assert.match(mixed.stderr, /1 is no JSON and left out, the first at line 2/);
  const name = await channel();
  await done(['produce', name, '--value', '{"a":1}']);
  const record = (await done(['consume', name, '-o', 'ndjson'])).stdout;
  const asked = await mqctl(words, record);
  assert.equal(asked.code, 2);
  assert.match(asked.stderr, /--format ndjson/);
  const inner = await mqctl([...words, '--format', 'ndjson', '-o', 'json'], record);
  const document = JSON.parse(inner.stdout.toString()) as { schema: { properties: object } };
  assert.deepEqual(Object.keys(document.schema.properties), ['a']);
  assert.equal((await mqctl([...words, '--schema-format', 'avro', '--name', '1x'], '{}\n')).code, 2);
  assert.equal((await mqctl([...words, '--channel', 'x', 'file.json'])).code, 2);
});

test('context show hides the password and the token of a registry', async (t) => {
  const { folder, run: mqctl } = await shop(t);
  const registry = (secrets: object) => ({
    url: 'local:shop.db',
    registry: { url: 'http://h:1', ...secrets },
  });
  await mkdir(join(folder, 'config', 'mqctl'), { recursive: true });
  const contexts = {
    basic: registry({ username: 'reader', password: 'topsecret' }),
    bearer: registry({ token: 'topsecret' }),
    elsewhere: registry({ token: '${env:T}' }),
  };
  await writeFile(join(folder, 'config', 'mqctl', 'contexts.yaml'), JSON.stringify({ contexts }), {
    mode: 0o600,
  });
  for (const format of ['yaml', 'json']) {
    for (const name of ['basic', 'bearer']) {
      const { code, stdout, stderr } = await mqctl(['context', 'show', name, '-o', format]);
      assert.equal(code, 0, stderr);
      assert.doesNotMatch(stdout.toString() + stderr, /topsecret/);
      assert.match(stdout.toString(), /\(hidden\)/);
    }
    const { stdout } = await mqctl(['context', 'show', 'elsewhere', '-o', format]);
    assert.match(stdout.toString(), /\$\{env:T\}/, 'where a secret comes from is shown');
  }
});
