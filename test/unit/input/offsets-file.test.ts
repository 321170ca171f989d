import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UsageError } from '../../../src/lib/errors.ts';
import { parseOffsetsFile } from '../../../src/lib/input/offsets-file.ts';

test('a line of CSV that is no position is refused, however long', () => {
  for (const line of ['"', '""', '"","",', '"a""', 'a,', '1'])
    assert.throws(() => parseOffsetsFile(line.repeat(5_000_000), 'offsets.csv'), UsageError);
});

test('quoted fields may hold commas and quotes', () => {
  const [filed] = parseOffsetsFile('"a ""b"",c",0,5', 'offsets.csv');
  assert.equal(filed?.channel, 'a "b",c');
});
