import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readJavaProperties, readKcatConf } from '../../../../src/lib/config/import/key-values.ts';

test('lines of blanks and backslashes are read in bounded time', () => {
  const blanks = ' '.repeat(500_000);
  assert.deepEqual([...readKcatConf(`a${blanks}\nb=${blanks}x${blanks}\n${blanks}# c=d\n=e`)], [['b', 'x']]);
  const slashes = '\\'.repeat(500_001);
  assert.deepEqual(
    [...readJavaProperties(`a=${slashes}\n  b`)].map(([key, value]) => [key, value.length]),
    [['a', 250_001]],
  );
});
