import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { addressOf, without } from '../brokers/needs.ts';
import { startRegistryGate } from '../brokers/registry-gate.ts';
import type { JsonValue } from '../../src/lib/message/json-value.ts';
import type { SchemaFormat } from '../../src/lib/schema/engine.ts';
import type { FramingKind, PayloadPart, SchemaKey } from '../../src/lib/schema/framing/framing.ts';
import { frame } from '../../src/lib/schema/framing/write-frame.ts';
import { workplace } from './workplace.ts';

const skip = without('registry');
const confluentApi = '/apis/ccompat/v7';
const apicurioApi = '/apis/registry/v3';
const guid = '89791762-2336-4186-9674-299b90a802e2';

interface Frame {
  readonly kind: FramingKind;
  readonly key: SchemaKey;
}

const formats: readonly {
  readonly format: SchemaFormat;
  readonly file: string;
  readonly text: string;
  readonly value: JsonValue;
  /** The value, as hex. */
  readonly payload: string;
  readonly type: string;
}[] = [
  {
    format: 'avro',
    file: 'customer.avsc',
    text: '{"type":"record","name":"Customer","namespace":"shop","fields":[{"name":"id","type":"long"}]}',
    value: { id: 5 },
    payload: '0a',
    type: 'shop.Customer',
  },
  {
    format: 'protobuf',
    file: 'customer.proto',
    text: 'syntax = "proto3";\npackage shop;\nmessage Customer { int32 id = 1; }\nmessage Other { string a = 1; }\n',
    value: { id: 5 },
    payload: '0805',
    type: 'shop.Customer',
  },
];

for (const given of formats) {
  const { format, value, type } = given;
  test(
    `${format}: every frame of Confluent and Apicurio is written, and read by the running registry under both of its APIs`,
    { skip },
    async (t) => {
      const { send, consumed, ids } = await registered(t, given);
      const both = [confluentApi, apicurioApi];
      const { contentId, globalId } = ids;
      const frames: readonly (Frame & { readonly apis: readonly string[] })[] = [
        { kind: 'confluent', key: { by: 'id', value: contentId }, apis: both },
        { kind: 'confluent-header', key: { by: 'id', value: contentId }, apis: both },
        { kind: 'apicurio-header', key: { by: 'content-id', value: contentId }, apis: both },
        // Global ids are Apicurio's own: its Confluent API does not find them.
        { kind: 'apicurio-header', key: { by: 'global-id', value: globalId }, apis: [apicurioApi] },
        { kind: 'apicurio', key: { by: 'global-id', value: globalId }, apis: [apicurioApi] },
      ];
      const channel = await send(frames);
      for (const api of both) {
        const records = await consumed(channel, addressOf('registry') + api);
        assert.deepEqual(
          records.map(({ decoded, schema }) => [decoded, schema]),
          frames.map(({ kind, key, apis }) =>
            apis.includes(api)
              ? [value, { id: key.value, name: type, format, framing: kind }]
              : [undefined, null],
          ),
          api,
        );
      }
    },
  );
}

test(
  'produce writes the frame that is asked for, with the id by which the running registry gives that schema back',
  { skip },
  async (t) => {
    const [avro = assert.fail(), protobuf = assert.fail()] = formats;
    const { place, ids, subject, consumed } = await registered(t, avro);
    const registry = addressOf('registry');
    const int64 = (id: string) => BigInt(id).toString(16).padStart(16, '0');
    const int32 = (id: string) => Number(id).toString(16).padStart(8, '0');
    const produced = async (framing: string, api: string) => {
      const channel = await place.channel();
      const words = ['produce', channel, '--value-schema', `subject:${subject}`, '--framing', framing];
      await place.done([...words, '--registry', registry + api], '{"id":5}\n');
      return channel;
    };
    const wire = async (channel: string) => {
      const { stdout } = await place.done(['consume', channel, '-o', 'ndjson', '--decode', 'none']);
      const record = JSON.parse(stdout.toString()) as {
        value: string | { base64: string };
        headers: [string, string | { base64: string }][];
      };
      const hex = (value: string | { base64: string }) =>
        (typeof value === 'string' ? Buffer.from(value) : Buffer.from(value.base64, 'base64')).toString(
          'hex',
        );
      return [hex(record.value), ...record.headers.map(([name, value]) => `${name}=${hex(value)}`)];
    };
    const { contentId, globalId } = ids;
    for (const [framing, api, expected] of [
      ['confluent', confluentApi, [`00${int32(contentId)}0a`]],
      ['confluent', apicurioApi, [`00${int32(contentId)}0a`]],
      // Apicurio has no GUID, so its header carries the id.
      ['confluent-header', confluentApi, ['0a', `__value_schema_id=00${int32(contentId)}`]],
      ['apicurio', apicurioApi, [`00${int64(globalId)}0a`]],
      ['apicurio-header', apicurioApi, ['0a', `apicurio.value.contentId=${int64(contentId)}`]],
    ] as const) {
      const channel = await produced(framing, api);
      assert.deepEqual(await wire(channel), expected, `${framing} by ${api}`);
      const [record] = await consumed(channel, registry + api);
      assert.deepEqual(record?.['decoded'], avro.value, `${framing} by ${api}`);
    }
    for (const path of [`ids/contentIds/${contentId}`, `ids/globalIds/${globalId}`])
      assert.equal(await (await fetch(`${registry}${apicurioApi}/${path}`)).text(), avro.text, path);

    const refused = async (schema: string, framing: string, api: string) => {
      const words = ['produce', await place.channel(), '--value-schema', schema, '--framing', framing];
      return place.run([...words, '--registry', registry + api], '{"id":5}\n');
    };
    const unsaid = await refused(`subject:${subject}`, 'apicurio', confluentApi);
    assert.equal(unsaid.code, 1, unsaid.stderr);
    assert.match(unsaid.stderr, /does not say the global id of .*\/apis\/registry\/v3/s);
    assert.match(
      (await refused(avro.file, 'confluent', confluentApi)).stderr,
      /is a file, so there is no id/,
    );

    const other = await registered(t, protobuf);
    const indexed = await refused(`subject:${other.subject}`, 'apicurio-header', apicurioApi);
    assert.equal(indexed.code, 2, indexed.stderr);
    assert.match(indexed.stderr, /protobuf is not written in the frame apicurio-header/);
  },
);

test(
  "the GUID that Confluent's registry says of a schema is what its header carries; a double says it",
  { skip },
  async (t) => {
    const [avro = assert.fail()] = formats;
    const { place, subject } = await registered(t, avro);
    await using double = await startRegistryGate(addressOf('registry'), { tls: null });
    double.next({
      status: 200,
      body: JSON.stringify({ subject, version: 1, id: 7, guid, schema: avro.text }),
    });
    const channel = await place.channel();
    const words = ['produce', channel, '--key-schema', `subject:${subject}`, '--framing', 'confluent-header'];
    const input = ['--key-separator', '|', '--registry', double.url + confluentApi];
    await place.done([...words, ...input], '{"id":5}|bare\n');
    const { stdout } = await place.done(['consume', channel, '-o', 'ndjson', '--decode', 'none']);
    const record = JSON.parse(stdout.toString()) as {
      headers: [string, { base64: string }][];
      value: string;
    };
    const [[name, { base64 }] = assert.fail()] = record.headers;
    assert.deepEqual(
      [name, Buffer.from(base64, 'base64').toString('hex'), record.value],
      ['__key_schema_id', `01${guid.replaceAll('-', '')}`, 'bare'],
    );
  },
);

test(
  "the GUID in Confluent's header is asked for by its path, which Apicurio does not have; a double answers it",
  { skip },
  async (t) => {
    const [, first = assert.fail()] = formats;
    const { format, value, type, payload } = first;
    // The second message of its file: the header says which one, the payload is bare.
    const text = 'syntax = "proto3"; package shop; message Other {} message Customer { int32 id = 1; }';
    const protobuf = { ...first, text };
    const { send, consumed, place } = await registered(t, protobuf);
    const key = { by: 'guid', value: guid } as const;
    const channel = await send([{ kind: 'confluent-header', key }], { index: 1 });
    const real = addressOf('registry') + confluentApi;
    const asked = await fetch(`${real}/schemas/guids/${guid}`);
    assert.deepEqual(
      [asked.status, await asked.text()],
      [404, ''],
      'Apicurio has learned it: ask it for one',
    );
    const header = `__value_schema_id=0x01${guid.replaceAll('-', '')}0202`;
    const words = ['schema', 'decode', '--hex', payload, '-H', header, '--registry'];
    const unknown = await place.run([...words, real]);
    assert.equal(unknown.code, 1);
    assert.match(unknown.stderr, new RegExp(`guid ${guid} is not registered at `));

    await using double = await startRegistryGate(addressOf('registry'), { tls: null });
    double.next({ status: 200, body: JSON.stringify({ schema: text, schemaType: format.toUpperCase() }) });
    const [record] = await consumed(channel, double.url + confluentApi);
    assert.deepEqual(double.requests, [`${confluentApi}/schemas/guids/${guid}`]);
    assert.deepEqual(record?.['decoded'], value);
    assert.deepEqual(record['schema'], { id: guid, name: type, format, framing: 'confluent-header' });
  },
);

test('a key has frames and headers of its own', { skip }, async (t) => {
  const [avro = assert.fail()] = formats;
  const { send, consumed, ids } = await registered(t, avro);
  const frames = [
    { kind: 'confluent', key: { by: 'id', value: ids.contentId } },
    { kind: 'apicurio-header', key: { by: 'content-id', value: ids.contentId } },
  ] as const;
  const channel = await send(frames, { part: 'key' });
  for (const record of await consumed(channel, addressOf('registry') + confluentApi))
    assert.deepEqual([record['decodedKey'], record['decoded']], [avro.value, undefined]);
});

test('a global id that the API does not find is said so, and by which it would be', { skip }, async (t) => {
  const [avro = assert.fail()] = formats;
  const { place } = await registered(t, avro);
  const words = ['schema', 'decode', '--hex', '0a', '-H', 'apicurio.value.globalId=0x0000000000000001'];
  const { code, stderr } = await place.run([...words, '--registry', addressOf('registry') + confluentApi]);
  assert.equal(code, 1);
  assert.match(stderr, /finds no schema by its global id/);
});

/** The schema twice, so that its global id in the second subject is not its content id. */
async function registered(t: TestContext, { format, file, text, payload }: (typeof formats)[number]) {
  const place = await workplace(t, 'local:shop.db');
  await writeFile(join(place.folder, file), text);
  const registry = addressOf('registry');
  const subject = `framing-${randomUUID()}`;
  for (const name of [`${subject}-first`, subject])
    await place.done(['schema', 'register', name, file, '--yes', '--registry', registry + apicurioApi]);
  const facts = await fetch(`${registry}${apicurioApi}/groups/default/artifacts/${subject}/versions/1`);
  const { contentId, globalId } = (await facts.json()) as { contentId: number; globalId: number };
  assert.notEqual(contentId, globalId);

  const base64 = (bytes: Uint8Array) => ({ base64: Buffer.from(bytes).toString('base64') });
  const send = async (
    frames: readonly Frame[],
    { part = 'value', index = 0 }: { readonly part?: PayloadPart; readonly index?: number } = {},
  ): Promise<string> => {
    const messageIndexes = format === 'protobuf' ? [index] : null;
    const channel = await place.channel();
    const records = frames.map(({ kind, key }) => {
      const { bytes, headers } = frame(Buffer.from(payload, 'hex'), { kind, key, part, messageIndexes });
      const named = headers.flatMap(({ name, value: data }) =>
        data instanceof Uint8Array ? [[name, base64(data)]] : [],
      );
      return JSON.stringify({ channel, value: 'as text', [part]: base64(bytes), headers: named });
    });
    await place.done(['produce', channel, '--format', 'ndjson'], records.join('\n'));
    return channel;
  };
  return {
    place,
    subject,
    ids: { contentId: contentId.toString(), globalId: globalId.toString() },
    send,
    consumed: async (channel: string, address: string) => {
      const { stdout } = await place.done(['consume', channel, '-o', 'ndjson', '--registry', address]);
      return stdout
        .toString()
        .trim()
        .split('\n')
        .map((line) => JSON.parse(line) as Readonly<Record<string, unknown>>);
    },
  };
}
