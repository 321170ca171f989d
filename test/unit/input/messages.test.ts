import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';

import { UsageError } from '../../../src/lib/errors.ts';
import { readMessages, type MessageInput } from '../../../src/lib/input/messages.ts';
import { fileSource, textSource } from '../../../src/lib/input/source.ts';
import type { TemplateWorld } from '../../../src/lib/input/template.ts';
import type { OutgoingMessage } from '../../../src/lib/message/message.ts';
import type { NumberedMessage } from '../../../src/lib/message/numbered-message.ts';
import { recordLine } from '../../../src/lib/message/record.ts';
import { emptyMessage } from '../message/message-samples.ts';

const world: TemplateWorld = {
  now: () => Date.UTC(2026, 10, 20, 10),
  uuid: () => 'b3b1d8a0-0000-4000-8000-000000000000',
  random: (from, to) => to - from,
};

function inputOf(text: string, changes: Partial<MessageInput> = {}): MessageInput {
  return {
    sources: [textSource('stdin', text)],
    format: 'lines',
    key: null,
    keySeparator: null,
    headers: [],
    properties: {},
    partition: null,
    keep: new Set(),
    nullValue: null,
    template: false,
    count: 1,
    envelope: false,
    ...changes,
  };
}

async function read(text: string, changes: Partial<MessageInput> = {}): Promise<NumberedMessage[]> {
  return (await Array.fromAsync(readMessages(inputOf(text, changes), world))).flat();
}

function text(bytes: Uint8Array | null): string | null {
  return bytes === null ? null : Buffer.from(bytes).toString();
}

async function values(input: string, changes: Partial<MessageInput> = {}): Promise<(string | null)[]> {
  return (await read(input, changes)).map(({ message }) => text(message.value));
}

test('every line is a value, with the key, headers and properties of the flags', async () => {
  const headers = [{ name: 'h', value: Buffer.from('1') }];
  const properties = { type: 't' };
  const message: OutgoingMessage = {
    key: Buffer.from('k'),
    value: Buffer.from('a'),
    headers,
    properties,
    partition: '3',
    timestamp: null,
  };
  assert.deepEqual(await read('a\n\nb', { key: 'k', headers, properties, partition: '3' }), [
    { line: 1, message },
    { line: 2, message: { ...message, value: Buffer.from('') } },
    { line: 3, message: { ...message, value: Buffer.from('b') } },
  ]);
});

test('a key is split off at the first separator', async () => {
  const messages = await read('k1:v:1\n:v2\n', { keySeparator: ':' });
  assert.deepEqual(
    messages.map(({ message }) => [text(message.key), text(message.value)]),
    [
      ['k1', 'v:1'],
      ['', 'v2'],
    ],
  );
  const tabbed = await read('k\tv', { keySeparator: '\\t' });
  assert.equal(text(tabbed[0]?.message.key ?? null), 'k');
});

test('a line without the separator is an error that names it', async () => {
  await assert.rejects(
    read('k:v\nno key\n', { keySeparator: ':' }),
    /^UsageError: stdin, line 2: no ":" in it/,
  );
  await assert.rejects(
    read('{}', { keySeparator: ':', format: 'ndjson' }),
    /--key-separator is for --format lines/,
  );
  await assert.rejects(read('x', { keySeparator: '' }), UsageError);
});

test('the mark of a null value makes a tombstone, in records too', async () => {
  assert.deepEqual(await values('NULL\nNULLx\n', { nullValue: 'NULL' }), [null, 'NULLx']);
  assert.deepEqual(await values('k:NULL\n', { nullValue: 'NULL', keySeparator: ':' }), [null]);
  assert.deepEqual(await values('{"value":"NULL"}', { nullValue: 'NULL', format: 'ndjson' }), [null]);
});

test('raw takes each source as one value, line ends included', async () => {
  const sources = [textSource('a', 'one\ntwo\n'), textSource('b', '')];
  assert.deepEqual(
    await read('', { sources, format: 'raw' }).then((all) =>
      all.map(({ line, message }) => [line, text(message.value)]),
    ),
    [
      [1, 'one\ntwo\n'],
      [2, ''],
    ],
  );
});

test('lines are counted over all sources', async () => {
  const sources = [textSource('a', 'one\ntwo'), textSource('b', 'three\n')];
  assert.deepEqual(
    (await read('', { sources })).map(({ line }) => line),
    [1, 2, 3],
  );
});

const recorded = recordLine({
  ...emptyMessage,
  partition: '7',
  timestamp: 1_000,
  key: Buffer.from([0xff]),
  value: Buffer.from('v'),
  headers: [{ name: 'a', value: null }],
  properties: { type: 'own' },
});

test('ndjson publishes what the record holds, and where and when only if asked to', async () => {
  const [plain] = await read(recorded, { format: 'ndjson' });
  assert.deepEqual(plain?.message, {
    key: Buffer.from([0xff]),
    value: Buffer.from('v'),
    headers: [{ name: 'a', value: null }],
    properties: { type: 'own' },
    partition: null,
    timestamp: null,
  });
  const [kept] = await read(recorded, {
    format: 'ndjson',
    keep: new Set(['partition', 'timestamp'] as const),
  });
  assert.deepEqual([kept?.message.partition, kept?.message.timestamp], ['7', 1_000]);
});

test('flags fill in what a record leaves open and add headers', async () => {
  const [given] = await read(recorded, {
    format: 'ndjson',
    key: 'k',
    properties: { type: 'flag', appId: 'me' },
    headers: [{ name: 'b', value: null }],
  });
  assert.deepEqual(given?.message.key, Buffer.from([0xff]));
  assert.deepEqual(given?.message.properties, { type: 'own', appId: 'me' });
  assert.deepEqual(
    given?.message.headers.map(({ name }) => name),
    ['a', 'b'],
  );
});

test('ndjson skips blank lines and a byte order mark, and keeps the numbers', async () => {
  const messages = await read(`\ufeff{"value":"a"}\n \n{"value":"\ufeffb"}\n`, { format: 'ndjson' });
  assert.deepEqual(
    messages.map(({ line, message }) => [line, text(message.value)]),
    [
      [1, 'a'],
      [3, '\ufeffb'],
    ],
  );
});

test('a wrong record is named by its line and field', async () => {
  await assert.rejects(
    read('{"value":"a"}\n{"value":1}\n', { format: 'ndjson' }),
    /^UsageError: stdin, line 2: record: value: expected/,
  );
});

test('a first line that is a record of ours needs a format to be said', async () => {
  await assert.rejects(
    read(`${recorded}\n`, { format: null }),
    (error) =>
      error instanceof UsageError &&
      /--format ndjson/.test(error.hint ?? '') &&
      /--format lines/.test(error.hint ?? ''),
  );
  assert.deepEqual(await values(recorded, { format: 'lines' }), [recorded]);
  assert.deepEqual(await values('{"total":7}\n', { format: null }), ['{"total":7}']);
});

test('a template fills value, key and headers, counting over the whole input', async () => {
  const messages = await read('a{{n}} {{now}}\n{{ uuid }}/{{random 1 100}}/{x}', {
    template: true,
    key: 'k{{n}}',
    headers: [
      { name: 'h', value: Buffer.from('{{n}}') },
      { name: 'n', value: null },
    ],
  });
  assert.deepEqual(
    messages.map(({ message }) => [
      text(message.key),
      text(message.value),
      message.headers.map(({ value }) => (value instanceof Uint8Array ? text(value) : value)),
    ]),
    [
      ['k1', 'a1 2026-11-20T10:00:00.000Z', ['1', null]],
      ['k2', 'b3b1d8a0-0000-4000-8000-000000000000/99/{x}', ['2', null]],
    ],
  );
});

test('count makes so many of each, in bounded chunks', async () => {
  const chunks = await Array.fromAsync(
    readMessages(inputOf('m{{n}}', { template: true, count: 1_200 }), world),
  );
  const made = chunks.flat();
  assert.ok(chunks.every((chunk) => chunk.length <= 500));
  assert.deepEqual(
    [made.length, text(made[0]?.message.value ?? null), text(made.at(-1)?.message.value ?? null)],
    [1_200, 'm1', 'm1200'],
  );
});

test('a placeholder that is not known is refused', async () => {
  for (const template of ['{{x}}', '{{}}', '{{random 2 1}}', '{{random 1}}', '{{n 1}}'])
    await assert.rejects(read(template, { template: true }), /placeholder that is not known/);
  assert.deepEqual(await values('{{x}}'), ['{{x}}']);
});

test('a template keeps bytes that are no text', async () => {
  const source = { name: 'stdin', chunks: textSource('', '').chunks };
  const chunks = (async function* () {
    yield new Uint8Array([0xff, 0x7b, 0x7b, 0x6e, 0x7d, 0x7d, 0x80]);
  })();
  const [made] = await read('', { sources: [{ ...source, chunks }], template: true });
  assert.deepEqual(new Uint8Array(made?.message.value ?? []), new Uint8Array([0xff, 0x31, 0x80]));
});

test('an envelope holds the value as JSON, text or base64, digit for digit', async () => {
  const head =
    '{"messageId":"b3b1d8a0-0000-4000-8000-000000000000","correlationId":"c","type":"t","time":"2026-11-20T10:00:00.000Z","version":"1"';
  const properties = { type: 't', correlationId: 'c' };
  assert.deepEqual(await values('{"n": 9007199254740993}\nplain', { envelope: true, properties }), [
    `${head},"data":{"n": 9007199254740993}}`,
    `${head},"data":"plain"}`,
  ]);
  assert.deepEqual(
    await values('{"value":{"base64":"/w=="}}', { envelope: true, properties, format: 'ndjson' }),
    [`${head},"data":{"base64":"/w=="}}`],
  );
  assert.deepEqual(await values('{"value":null}', { envelope: true, format: 'ndjson' }), [null]);
});

test('a file is read, one that cannot be is an error of ours', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'mqctl-input-'));
  t.after(() => rm(folder, { recursive: true }));
  const path = join(folder, 'lines');
  await writeFile(path, 'a\nb\n');
  assert.deepEqual(await values('', { sources: [fileSource(path)] }), ['a', 'b']);
  await assert.rejects(
    values('', { sources: [fileSource(join(folder, 'none'))] }),
    (error) => error instanceof UsageError && /cannot read .*none: ENOENT/.test(error.message),
  );
});

test('a file is not read further than is asked for', async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'mqctl-input-'));
  t.after(() => rm(folder, { recursive: true }));
  const path = join(folder, 'large');
  await writeFile(path, 'x'.repeat(1023).concat('\n').repeat(4096));
  let chunks = 0;
  const file = fileSource(path);
  const counting = (async function* () {
    for await (const chunk of file.chunks) {
      chunks += 1;
      yield chunk;
    }
  })();
  for await (const messages of readMessages(inputOf('', { sources: [{ name: path, chunks: counting }] }))) {
    assert.ok(messages.length > 0);
    break;
  }
  assert.equal(chunks, 1);
});
