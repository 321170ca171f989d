import assert from 'node:assert/strict';
import test from 'node:test';

import { UsageError } from '../../../src/lib/errors.ts';
import { parseDuration } from '../../../src/lib/input/duration.ts';

test('durations are read as whole milliseconds', () => {
  const cases: readonly (readonly [string, number])[] = [
    ['0', 0],
    ['500ms', 500],
    ['30s', 30_000],
    ['5m', 300_000],
    ['2h', 7_200_000],
    ['7d', 604_800_000],
    ['1h30m', 5_400_000],
    ['1.5s', 1_500],
  ];
  for (const [text, expected] of cases) assert.equal(parseDuration(text), expected, text);
});

test('what is no duration is refused with what is accepted', () => {
  for (const text of ['', 's', '-1s', '5 m', '1w', '5M', '1e3s', '99999999999999999d'])
    assert.throws(() => parseDuration(text), UsageError, text);
  assert.throws(() => parseDuration('30'), { hint: 'say of what: 30s, 30ms, 30m, 30h or 30d' });
});
