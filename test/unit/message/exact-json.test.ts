import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseExactJson } from '../../../src/lib/message/exact-json.ts';

test('integers beyond 2^53 keep their digits', () => {
  assert.deepEqual(parseExactJson(Buffer.from('{"a":12345678901234567890,"b":1}')), {
    a: '12345678901234567890',
    b: 1,
  });
});

test('what nests deeper than whoever shows it can follow is refused', () => {
  const nested = (levels: number, inner: string) =>
    Buffer.from(`${'['.repeat(levels)}${inner}${']'.repeat(levels)}`);
  assert.doesNotThrow(() => JSON.stringify(parseExactJson(nested(200, '1'))));
  for (const inner of ['', '12345678901234567890'])
    assert.throws(() => parseExactJson(nested(200_000, inner)), SyntaxError);
});
