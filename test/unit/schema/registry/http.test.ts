import assert from 'node:assert/strict';
import { test } from 'node:test';
import { wordsOf } from '../../../../src/lib/schema/registry/http.ts';

test("the registry's words are taken out of its answer, whatever that is", () => {
  const cases: readonly (readonly [text: string, words: string])[] = [
    ['{"error_code":40401,"message":"Subject \\"a\\" not found"}', 'Subject "a" not found'],
    ['{"detail":"no"}', 'no'],
    ['', 'status 500'],
    ['<html>', '<html>'],
    ['{"message":"a\\x"}', '{"message":"a\\x"}'],
    ['{"message":"a\nb"}', '{"message":"a\nb"}'],
  ];
  for (const [text, words] of cases) assert.equal(wordsOf({ status: 500, headers: {}, text }), words);
  assert.equal(
    wordsOf({ status: 500, headers: {}, text: `{"message":"${'a'.repeat(12 * 1024 * 1024)}"}` }).length,
    500,
  );
});
