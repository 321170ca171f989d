import assert from 'node:assert/strict';
import test from 'node:test';

import fc from 'fast-check';

import { addAt, removeAt, replaceAt, valueAt } from '../../../src/lib/dlq/json-text.ts';

const text = '{ "b" : 12345678901234567890,\n  "a": [1, 2.50 ,"x,]}\\"" ],\n  "b\\/c": {}, "n": null }';

test('one place of a JSON text is read, and the rest stays as it was written', () => {
  assert.equal(valueAt(text, ['b']), '12345678901234567890');
  assert.equal(valueAt(text, ['a', '2']), '"x,]}\\""');
  assert.equal(valueAt(text, ['b/c']), '{}');
  assert.equal(valueAt(text, ['a', '01']), null);
  assert.equal(valueAt(text, ['b', 'x']), null);
  assert.equal(valueAt(text, []), text);
});

test('one place of a JSON text is replaced, removed or added, and the rest stays as it was written', () => {
  assert.equal(replaceAt(text, ['a', '1'], '7'), text.replace('2.50', '7'));
  assert.equal(removeAt(text, ['a', '2']), text.replace(' ,"x,]}\\""', ''));
  assert.equal(removeAt(text, ['b']), text.replace('"b" : 12345678901234567890,\n  ', ''));
  assert.equal(removeAt('[1]', ['0']), '[]');
  assert.equal(addAt(text, ['z'], '1'), text.replace(': null }', ': null,\n  "z" : 1 }'));
  assert.equal(addAt(text, ['b/c', 'q"'], 'true'), text.replace('{}', '{"q\\"":true}'));
  assert.equal(addAt('[1, 2]', ['-'], '3'), '[1, 2, 3]');
  assert.equal(addAt('[1, 2]', ['0'], '0'), '[0, 1, 2]');
  assert.equal(addAt('[1, 2]', ['3'], '4'), null);
  assert.equal(replaceAt(text, ['no'], '1'), null);
});

test('whatever the JSON, each place can be replaced, and reads as what was put there', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 4 }), fc.integer(), fc.boolean(), (value, draw, indented) => {
      const document: unknown = JSON.parse(JSON.stringify(value));
      const paths = [...pathsOf(document, [])];
      const path = paths[Math.abs(draw) % paths.length] ?? [];
      const source = JSON.stringify(document, null, indented ? 2 : 0);
      const changed = replaceAt(source, path, '"here"');
      assert.ok(changed !== null);
      assert.equal(valueAt(changed, path), '"here"');
      assert.equal(replaceAt(changed, path, valueAt(source, path) ?? ''), source);
    }),
  );
});

function* pathsOf(value: unknown, path: readonly string[]): Generator<readonly string[]> {
  yield path;
  if (typeof value !== 'object' || value === null) return;
  for (const [name, member] of Object.entries(value)) yield* pathsOf(member, [...path, name]);
}
