import assert from 'node:assert/strict';
import test from 'node:test';

import {
  Editor,
  editText,
  parseEditText,
  parseSet,
  replaceValue,
  type Edit,
} from '../../../src/lib/dlq/edit.ts';
import { FailedError, UsageError } from '../../../src/lib/errors.ts';
import { message } from '../drivers/local/bench.ts';
import { text } from './samples.ts';

const editor = await Editor.load();
const valueOf = (edit: Edit, value: string): string | null => {
  const { value: edited } = editor.apply(message(value), edit).message;
  return edited === null ? null : Buffer.from(edited).toString();
};
const refuses = (edit: Edit, value: string, reason: RegExp): void =>
  assert.throws(
    () => editor.apply(message(value), edit),
    (error) => error instanceof FailedError && error.code === 'EDIT' && reason.test(error.message),
  );

test('--set changes one place of a value; numbers that a double cannot hold, order and white space stay', () => {
  const value = '{"id": 12345678901234567890, "9":1, "a":1,  "total" : 3}';
  assert.equal(valueOf([parseSet('value.total=7')], value), value.replace('3}', '7}'));
  assert.equal(valueOf([parseSet('value.total=seven')], value), value.replace('3}', '"seven"}'));
  assert.equal(
    valueOf([parseSet('value.total=99999999999999999999')], value),
    value.replace('3}', '99999999999999999999}'),
  );
  assert.equal(valueOf([parseSet('/value/new~1name=null')], '{}'), '{"new/name":null}');
  assert.equal(valueOf([parseSet('value.list.0=9')], '{"list":[1,2]}'), '{"list":[9,2]}');
  assert.equal(valueOf([parseSet('value.list.-=9')], '{"list":[1,2]}'), '{"list":[1,2,9]}');
  assert.equal(valueOf([parseSet('value={"whole":1}')], 'no json'), '{"whole":1}');
});

test('an edit that does not fit a message says why, and changes nothing', () => {
  refuses([parseSet('value.a=1')], 'no json', /no JSON/);
  refuses([parseSet('value.a.b=1')], '{}', /value\/a\/b/);
  refuses(editor.parsePatch('[{"op":"remove","path":"/value/a"}]'), '{}', /value\/a/);
  refuses(editor.parsePatch('[{"op":"test","path":"/value/a","value":2}]'), '{"a":1}', /value\/a/);
  refuses(editor.parsePatch('[{"op":"remove","path":"/headers/none"}]'), '{}', /no such header/);
  refuses(editor.parsePatch('[{"op":"add","path":"/value/__proto__","value":2}]'), '{}', /__proto__/);
  refuses(editor.parsePatch('[{"op":"remove","path":"/value/a"}]'), '{"a":1,"a":2}', /alone/);
  refuses(editor.parsePatch('[{"op":"move","from":"/value/a","path":"/headers/a"}]'), '{"a":1}', /within/);
});

test('a patch of every operation does what RFC 6902 says', () => {
  const patch = editor.parsePatch(
    JSON.stringify([
      { op: 'test', path: '/value/a', value: { b: 1 } },
      { op: 'move', from: '/value/a', path: '/value/c' },
      { op: 'copy', from: '/value/c/b', path: '/value/list/0' },
      { op: 'remove', path: '/value/gone' },
      { op: 'replace', path: '/value/list/1', value: [2] },
    ]),
  );
  assert.equal(
    valueOf(patch, '{"a":{"b":1}, "gone":true, "list":[9, 8]}'),
    '{"list":[1, [2], 8], "c":{"b":1}}',
  );
});

test('headers, properties and the key are edited one by one; what the system typed keeps its type', () => {
  const before = message('v', {
    key: Buffer.from('k'),
    headers: [
      text('a', '1'),
      { name: 'n', value: { type: 'int32', value: '3' } },
      text('twice', '1'),
      text('twice', '2'),
    ],
    properties: { contentType: 'x', priority: { type: 'uint8', value: '1' } },
  });
  const edit = [
    'headers.a=2',
    'headers.n=4',
    'headers.new.name=x',
    'key=k7',
    'properties.priority=5',
    'properties.type=T',
  ].map(parseSet);
  const { message: after, changes } = editor.apply(before, edit);
  assert.deepEqual(after.headers, [
    text('a', '2'),
    { name: 'n', value: { type: 'int32', value: '4' } },
    text('twice', '1'),
    text('twice', '2'),
    text('new.name', 'x'),
  ]);
  assert.deepEqual(after.properties, {
    contentType: 'x',
    priority: { type: 'uint8', value: '5' },
    type: 'T',
  });
  assert.equal(Buffer.from(after.key ?? []).toString(), 'k7');
  assert.equal(after.value, before.value);
  assert.deepEqual(changes[0], { path: '/headers/a', before: '1', after: '2' });
  assert.deepEqual(changes[2], { path: '/headers/new.name', before: null, after: 'x' });
  assert.throws(() => editor.apply(before, [parseSet('headers.twice=3')]), /2 times/);
  const removed = editor.parsePatch(
    '[{"op":"remove","path":"/headers/twice"},{"op":"remove","path":"/key"}]',
  );
  assert.throws(() => editor.apply(before, removed), /2 times/);
});

test('a value from an editor comes out as its very bytes, binary too', () => {
  for (const bytes of [Buffer.from('{"a": 1}\n'), Buffer.from([0xff, 0, 1])]) {
    const { value } = editor.apply(message('v'), replaceValue(bytes)).message;
    assert.deepEqual(value, bytes);
  }
});

test('a plan keeps an edit exactly; what is wrong with a patch or a path is said', () => {
  const edit = editor.parsePatch('[{"op":"add","path":"/value/n","value":1.000000000000000000001}]');
  assert.deepEqual(parseEditText(editText(edit)), edit);
  assert.equal(edit[0]?.json, '1.000000000000000000001');
  for (const wrong of [
    '{',
    '{}',
    '[{"op":"set","path":"/value","value":1}]',
    '[{"op":"add","path":"/value/a"}]',
    '[{"op":"add","path":"/offset","value":1}]',
    '[{"op":"copy","path":"/value/a"}]',
    '[7]',
  ])
    assert.throws(() => editor.parsePatch(wrong), UsageError, wrong);
  for (const wrong of ['value', '=1', 'offset=1', '/=1'])
    assert.throws(() => parseSet(wrong), UsageError, wrong);
  assert.equal(parseEditText('[["run","/value",null,null]]'), null);
});
