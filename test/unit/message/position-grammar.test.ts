import assert from 'node:assert/strict';
import test from 'node:test';

import { UsageError } from '../../../src/lib/errors.ts';
import { parsePosition, parsePositions } from '../../../src/lib/message/position-grammar.ts';
import type { Position } from '../../../src/lib/message/position.ts';

const now = Date.UTC(2026, 10, 20, 12);

const positions: readonly (readonly [string, Position])[] = [
  ['start', { kind: 'start', shift: 0n }],
  ['earliest', { kind: 'start', shift: 0n }],
  ['beginning+10', { kind: 'start', shift: 10n }],
  ['end', { kind: 'end', shift: 0n }],
  ['latest-100', { kind: 'end', shift: -100n }],
  ['end-9223372036854775807', { kind: 'end', shift: -9223372036854775807n }],
  ['current-5', { kind: 'current', shift: -5n }],
  ['current', { kind: 'current', shift: 0n }],
  ['0', { kind: 'offset', offset: '0' }],
  ['0042', { kind: 'offset', offset: '42' }],
  [
    '49590338271490256608559692538361571095921575989136588898',
    { kind: 'offset', offset: '49590338271490256608559692538361571095921575989136588898' },
  ],
  ['after:0042', { kind: 'after', offset: '42' }],
  ['id:1700000000000-0', { kind: 'id', id: '1700000000000-0' }],
  ['id:3:7:-1', { kind: 'id', id: '3:7:-1' }],
  ['id:a,b', { kind: 'id', id: 'a,b' }],
  ['@-1h', { kind: 'time', time: now - 3_600_000 }],
  ['@+5m', { kind: 'time', time: now + 300_000 }],
  ['@2026-11-20', { kind: 'time', time: Date.UTC(2026, 10, 20) }],
  ['@2026-11-20T10:00:00Z', { kind: 'time', time: Date.UTC(2026, 10, 20, 10) }],
  ['@2026-11-20T10:00:00.5+01:00', { kind: 'time', time: Date.UTC(2026, 10, 20, 9, 0, 0, 500) }],
  ['group:billing', { kind: 'group', group: 'billing', shift: 0n }],
  ['group:billing:-10', { kind: 'group', group: 'billing', shift: -10n }],
  ['group:orders-2', { kind: 'group', group: 'orders-2', shift: 0n }],
  ['group:orders-2:+3', { kind: 'group', group: 'orders-2', shift: 3n }],
  ['group:a:b', { kind: 'group', group: 'a:b', shift: 0n }],
];

for (const [text, expected] of positions) {
  test(`${text} is a position`, () => {
    assert.deepEqual(parsePosition(text, now), expected);
    assert.deepEqual(parsePositions(text, now), { every: expected });
  });
}

test('an offset may have any number of digits', () => {
  const digits = '7'.repeat(1_000_000);
  assert.deepEqual(parsePosition(`000${digits}`, now), { kind: 'offset', offset: digits });
  assert.throws(() => parsePosition(`end-${digits}`, now), UsageError);
});

test('positions by partition are split at the first colon', () => {
  assert.deepEqual(parsePositions('0:42,1:end-100,shardId-02:@-1h,3:group:g:-1,4:id:1:2,5:after:7', now), {
    byPartition: new Map<string, Position>([
      ['0', { kind: 'offset', offset: '42' }],
      ['1', { kind: 'end', shift: -100n }],
      ['shardId-02', { kind: 'time', time: now - 3_600_000 }],
      ['3', { kind: 'group', group: 'g', shift: -1n }],
      ['4', { kind: 'id', id: '1:2' }],
      ['5', { kind: 'after', offset: '7' }],
    ]),
  });
});

const refused: readonly (readonly [string, RegExp])[] = [
  ['', /write start/],
  ['-100', /for the last ones write end-100/],
  ['strat', /did you mean "start"/],
  ['lastest-5', /did you mean "latest"/],
  ['Start', /did you mean "start"/],
  ['end-', /end|write start/],
  ['12.5', /write start/],
  ['id:', /write start/],
  ['group:', /write start/],
  ['@', /write @2026/],
  ['@yesterday', /write @2026/],
  ['@2026-02-30', /write @2026/],
  ['@2026-11-20T10:00:00', /say in which zone/],
  ['@-1', /say of what/],
  ['0:42,1', /write one for each partition/],
  ['0:42,:1', /write one for each partition/],
];

for (const [text, hint] of refused) {
  test(`${JSON.stringify(text)} is refused with what is accepted`, () => {
    assert.throws(
      () => parsePositions(text, now),
      (error) => error instanceof UsageError && hint.test(error.hint ?? ''),
    );
  });
}

test('a partition that is named twice is refused', () => {
  assert.throws(() => parsePositions('0:1,0:2', now), /names the partition 0 twice/);
});
