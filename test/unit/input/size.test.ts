import assert from 'node:assert/strict';
import test from 'node:test';

import { UsageError } from '../../../src/lib/errors.ts';
import { parseSize } from '../../../src/lib/input/size.ts';

test('sizes are read as bytes', () => {
  const cases: readonly (readonly [string, number])[] = [
    ['0', 0],
    ['512', 512],
    ['512B', 512],
    ['10KiB', 10_240],
    ['4MiB', 4_194_304],
    ['1.5GiB', 1_610_612_736],
    ['10MB', 10_000_000],
  ];
  for (const [text, expected] of cases) assert.equal(parseSize(text), expected, text);
});

test('what is no size is refused', () => {
  for (const text of ['', 'KiB', '-1', '10 KiB', '10K', '10kib', '99999TiB', 'constructor', '1constructor'])
    assert.throws(() => parseSize(text), UsageError, text);
});
