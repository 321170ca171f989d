import assert from 'node:assert/strict';
import { test } from 'node:test';
import { csvLine } from '../../../src/lib/output/csv.ts';

test('what would end a field is quoted, null is empty, what is no scalar is JSON', () => {
  assert.equal(
    csvLine(['plain', 'a,b', 'say "yes"', 'two\nlines', 'cr\r']),
    'plain,"a,b","say ""yes""","two\nlines","cr\r"',
  );
  assert.equal(csvLine([null, undefined, '', 0, false]), ',,,0,false');
  assert.equal(csvLine([{ a: 1, b: [2] }, ['x']]), '"{""a"":1,""b"":[2]}","[""x""]"');
});
