import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UsageError } from '../../../src/lib/errors.ts';
import type { Message } from '../../../src/lib/message/message.ts';
import { compileTemplate, parseMessageFormat } from '../../../src/lib/output/message-format.ts';
import { makeMessageWriter } from '../../../src/lib/output/message-writer.ts';
import { asWritten, recordingOutput } from './recording-output.ts';

const message: Message = {
  channel: 'orders',
  partition: '2',
  offset: '42',
  id: null,
  key: Buffer.from('k1'),
  value: Buffer.from([0x68, 0xff, 0x0a]),
  headers: [
    { name: 'trace', value: Buffer.from('a') },
    { name: 'trace', value: Buffer.from('b') },
    { name: 'none', value: null },
  ],
  properties: { contentType: 'text/plain' },
  timestamp: 1_700_000_000_123,
  timestampType: 'create',
  delivery: { count: null, redelivered: null },
  deadLetter: null,
};
const tombstone: Message = {
  ...message,
  key: null,
  value: null,
  timestamp: null,
  partition: null,
  offset: null,
  headers: [],
};

const filled = (template: string, of = message): string =>
  Buffer.from(compileTemplate(template)(of)).toString('latin1');

test("kcat's letters", () => {
  assert.equal(filled('%t %p %o %k %K %S %T'), 'orders 2 42 k1 2 3 1700000000123');
  assert.equal(filled('%s'), 'h\u00ff\n');
  assert.equal(filled('%h'), 'trace=a,trace=b,none=');
  assert.equal(filled('%{header:trace} %{header:missing}|%{property:contentType}'), 'a |text/plain');
  assert.equal(filled('100%% %%s'), '100% %s');
});

test('null is told from empty by its length', () => {
  assert.equal(filled('%k,%K,%s,%S,%T,%p,%o', tombstone), ',-1,,-1,-1,,');
});

test('escapes are bytes, and what is none stays as it is written', () => {
  assert.equal(filled('a\\tb\\n\\x00\\xff\\\\n\\0\\q'), 'a\tb\n\u0000\u00ff\\n\u0000\\q');
});

test('a letter that is not known, and a percent sign at the end, are refused', () => {
  assert.throws(() => compileTemplate('%z'), UsageError);
  assert.throws(() => compileTemplate('50%'), UsageError);
  assert.throws(() => parseMessageFormat('xml'), UsageError);
  assert.deepEqual(parseMessageFormat('fmt=%s'), { template: '%s' });
});

test('in a pipe value, raw and a template are bytes; the record is one line', async () => {
  const shown = async (format: string): Promise<string> => {
    const { output, written } = recordingOutput(null);
    await makeMessageWriter(output, parseMessageFormat(format))([message, tombstone]);
    return written();
  };
  assert.equal(await shown('value'), 'h\u00ff\n\n\n');
  assert.equal(await shown('raw'), 'h\u00ff\n');
  assert.equal(await shown('fmt=%s|'), 'h\u00ff\n||');
  const lines = (await shown('ndjson')).split('\n');
  assert.equal(lines.length, 3);
  assert.partialDeepStrictEqual(JSON.parse(lines[0] ?? ''), { key: 'k1', value: { base64: 'aP8K' } });
});

test('on a terminal nothing that is written is a control character, and raw is refused', async () => {
  const evil: Message = {
    ...message,
    channel: 'or\u001b]0;x\u0007ders',
    key: Buffer.from('\u001b[2J'),
    value: Buffer.from('{"a":"\u009b31m"}\r\u001b[31m'),
    headers: [{ name: '\u001b[1m', value: Buffer.from('\u0007') }],
    properties: { type: '\u001b[5m' },
    deadLetter: {
      reason: '\u001b[31m',
      class: null,
      message: '\u0007',
      attempts: 1,
      origin: { channel: null, partition: null, offset: null },
      consumer: null,
      at: null,
    },
  };
  for (const format of ['pretty', 'ndjson', 'value', 'table', 'fmt=%t %k %s %h\\n']) {
    const { output, written } = recordingOutput(60);
    await makeMessageWriter(output, parseMessageFormat(format))([evil, message, tombstone]);
    const text = Buffer.from(written(), 'latin1').toString();
    assert.ok(
      [...text].every(
        (character) => character === '\n' || (character >= ' ' && !/[\u007f-\u009f]/.test(character)),
      ),
      `${format}: ${JSON.stringify(text)}`,
    );
  }
  assert.throws(() => makeMessageWriter(recordingOutput(60).output, 'raw'), UsageError);
});

test('pretty says a tombstone, repeats headers and indents JSON that does not fit', async () => {
  const { output, written } = recordingOutput(40);
  const json: Message = { ...message, value: Buffer.from(JSON.stringify({ text: 'ü'.repeat(40), n: 1 })) };
  await makeMessageWriter(output, 'pretty')([json, tombstone]);
  assert.match(written(), /orders \[2\] 42 {2}2023-11-14T22:13:20\.123Z {2}key k1/);
  assert.match(written(), /trace: a\n {2}trace: b\n {2}none: null/);
  assert.ok(written().includes(asWritten(`  {\n    "text": "${'ü'.repeat(40)}",\n    "n": 1\n  }`)));
  assert.match(written(), /\(tombstone: no value\)/);
});
