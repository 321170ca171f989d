import assert from 'node:assert/strict';
import { describe, test } from 'node:test';

import {
  evaluate,
  lagSlope,
  lagStatuses,
  worstStatus,
  type Evidence,
  type LagSample,
  type LagStatus,
} from '../../../../src/lib/operations/lag/status.ts';

const start = Date.UTC(2026, 10, 20, 10);
const minute = 60_000;

/** Commits a minute apart, as Burrow's window has them: each with the lag as it was then. */
function commits(offsets: readonly number[], lags: readonly number[]): LagSample[] {
  return offsets.map((committed, at) => {
    const lag = lags[at] ?? NaN;
    const time = start + at * minute;
    return { at: time, committed, end: committed + lag, lag, committedAt: time };
  });
}

/** The same, where nobody may know when it was committed. */
function looks(offsets: readonly number[], lags: readonly number[]): LagSample[] {
  return commits(offsets, lags).map((sample) => ({ ...sample, committedAt: null }));
}

function evidence(samples: readonly LagSample[], more: Partial<Evidence> = {}): Evidence {
  return {
    samples,
    now: samples.at(-1)?.at ?? start,
    members: 1,
    untilLossMs: null,
    retentionMs: null,
    lost: 0,
    nearStart: false,
    rateOut: null,
    ...more,
  };
}

interface Row {
  readonly name: string;
  readonly evidence: Evidence;
  readonly status: LagStatus;
  readonly rule: RegExp;
}

function table(rows: readonly Row[]): void {
  for (const { name, evidence: of, status, rule } of rows)
    test(`${status}: ${name}`, () => {
      const verdict = evaluate(of);
      assert.equal(verdict.status, status, verdict.rule);
      assert.match(verdict.rule, rule);
    });
}

const ten = Array.from({ length: 10 }, (_, at) => at);
const same = (value: number): number[] => ten.map(() => value);
/** A consumer of one message a second. */
const moving = ten.map((at) => 1_000 + at * 60);
const minutes = (count: number) => start + 9 * minute + count * minute;

describe('the rules that Burrow publishes, on its window of ten commits, a minute apart', () => {
  table([
    {
      name: 'any lag within the window is zero (rule 1)',
      evidence: evidence(commits(moving, [60, 120, 0, 60, 120, 180, 240, 300, 360, 420])),
      status: 'ok',
      rule: /caught up 420 s ago/,
    },
    {
      name: 'a zero also outweighs an offset that does not change (rule 1 before rule 2)',
      evidence: evidence(commits(same(1_000), [0, 0, 60, 60, 120, 120, 180, 180, 240, 240])),
      status: 'ok',
      rule: /caught up/,
    },
    {
      name: 'commits come, the offset does not change, the lag is fixed (rule 2)',
      evidence: evidence(commits(same(1_000), same(60))),
      status: 'stall',
      rule: /commits come.*stands still/,
    },
    {
      name: 'commits come, the offset does not change, the lag increases (rule 2)',
      evidence: evidence(
        commits(
          same(1_000),
          ten.map((at) => 60 + at * 10),
        ),
      ),
      status: 'stall',
      rule: /commits come/,
    },
    {
      name: 'the offset increases, the lag is the same at every commit (rule 3)',
      evidence: evidence(commits(moving, same(600))),
      status: 'warn',
      rule: /the lag stays over the window/,
    },
    {
      name: 'the offset increases, the lag increases at every commit (rule 3)',
      evidence: evidence(
        commits(
          moving,
          ten.map((at) => 600 + at * 60),
        ),
      ),
      status: 'warn',
      rule: /grows by 1.00 messages a second/,
    },
    {
      name: 'the last commit is longer ago than the window spans (rule 4)',
      evidence: evidence(commits(moving, same(600)), { now: minutes(10) }),
      status: 'stop',
      rule: /no commit for 600 s/,
    },
    {
      name: 'the last commit is longer ago than the window spans, and nothing moves (rule 4)',
      evidence: evidence(commits(same(1_000), same(600)), { now: minutes(10) }),
      status: 'stop',
      rule: /no commit for 600 s, longer than the window of 540 s/,
    },
    {
      name: 'the last commit is as long ago as the window spans: not stopped yet (rule 4)',
      evidence: evidence(commits(same(1_000), same(600)), { now: minutes(9) }),
      status: 'stall',
      rule: /the last 540 s ago/,
    },
    {
      name: 'the last commit is long ago, but the offset is that of the broker (rule 4)',
      evidence: evidence(commits(moving, [600, 540, 480, 420, 360, 300, 240, 180, 120, 0]), {
        now: minutes(600),
      }),
      status: 'ok',
      rule: /nothing waits/,
    },
    {
      name: 'no offset of the broker is known (rule 5): where Burrow says OK, we do not know',
      evidence: evidence(commits(moving, same(60)).map((sample) => ({ ...sample, end: null, lag: null }))),
      status: 'unknown',
      rule: /what waits is unknown/,
    },
    {
      name: 'an offset went back and has not recovered',
      evidence: evidence(commits([1_000, 1_060, 1_120, 900, 960], [10, 10, 10, 230, 230])),
      status: 'rewind',
      rule: /went back from 1120 to 960/,
    },
    {
      name: 'an offset went back, also where it was caught up before',
      evidence: evidence(commits([1_000, 1_060, 1_120, 900, 960], [10, 0, 0, 230, 230])),
      status: 'rewind',
      rule: /went back/,
    },
    {
      name: 'an offset went back and has recovered: the other rules decide',
      evidence: evidence(commits([1_000, 1_060, 900, 1_020, 1_080], [600, 600, 800, 660, 500])),
      status: 'ok',
      rule: /falls/,
    },
    {
      name: 'the offset increases and the lag falls',
      evidence: evidence(
        commits(
          moving,
          ten.map((at) => 6_000 - at * 60),
        ),
      ),
      status: 'ok',
      rule: /falls by 1.00 messages a second/,
    },
  ]);
});

describe('where Burrow is known to be wrong', () => {
  table([
    {
      name: 'one single fall does not hide a lag that grows over the window',
      evidence: evidence(commits(moving, [600, 700, 800, 790, 900, 1_000, 1_100, 1_200, 1_300, 1_400])),
      status: 'warn',
      rule: /grows/,
    },
    {
      name: 'one single rise is no alarm in a lag that falls over the window',
      evidence: evidence(commits(moving, [1_400, 1_300, 1_200, 1_250, 1_100, 1_000, 900, 800, 700, 600])),
      status: 'ok',
      rule: /falls/,
    },
    {
      name: 'a lag of a few that never falls is no alarm where they are worked off within seconds',
      evidence: evidence(commits(moving, same(5))),
      status: 'ok',
      rule: /worked off in 5.0 s/,
    },
    {
      name: 'the same lag is one where it takes long',
      evidence: evidence(commits(ten, same(5))),
      status: 'warn',
      rule: /stays/,
    },
    {
      name: 'one message that is never worked off is an alarm, however few they are',
      evidence: evidence(commits(same(1_000), same(1))),
      status: 'stall',
      rule: /stands still/,
    },
    {
      name: 'a group without members and without backlog is idle, not stopped',
      evidence: evidence(commits(same(1_000), same(0)), { members: 0, now: minutes(600) }),
      status: 'idle',
      rule: /nothing waits, and nobody works/,
    },
    {
      name: 'a group without members and with a backlog is empty, after one look',
      evidence: evidence(looks([1_000], [5]), { members: 0 }),
      status: 'empty',
      rule: /5 messages waiting, and the group has no member/,
    },
  ]);
});

describe('what can be said without the times of commits', () => {
  table([
    {
      name: 'a position that stands still has stopped or is stalled',
      evidence: evidence(looks(same(1_000), same(60))),
      status: 'stalled',
      rule: /stood still for 540 s/,
    },
    {
      name: 'a position that moves is judged all the same',
      evidence: evidence(
        looks(
          moving,
          ten.map((at) => 600 + at * 60),
        ),
      ),
      status: 'warn',
      rule: /grows/,
    },
  ]);

  test('the verdict says that it did without', () => {
    assert.equal(evaluate(evidence(looks(same(1_000), same(60)))).commitTimes, 'unknown');
    assert.equal(evaluate(evidence(commits(same(1_000), same(60)))).commitTimes, 'known');
  });
});

describe('what has no positions', () => {
  const queue = (lags: readonly number[]): LagSample[] =>
    looks(same(0), lags).map((sample) => ({ ...sample, committed: null, end: null }));
  table([
    {
      name: 'nothing is settled and what waits does not fall',
      evidence: evidence(queue(same(60)), { rateOut: 0 }),
      status: 'stalled',
      rule: /stood still/,
    },
    {
      name: 'what waits grows, though it works',
      evidence: evidence(queue(ten.map((at) => 6_000 + at * 600)), { rateOut: 10 }),
      status: 'warn',
      rule: /grows by 10 messages a second/,
    },
    {
      name: 'what waits falls',
      evidence: evidence(queue(ten.map((at) => 6_000 - at * 600)), { rateOut: 10 }),
      status: 'ok',
      rule: /falls/,
    },
    {
      name: 'no rate is known either',
      evidence: evidence(queue(same(60))),
      status: 'unknown',
      rule: /neither positions nor the rate/,
    },
  ]);
});

describe('too few samples', () => {
  for (const [count, needed] of [
    [1, 2],
    [2, 1],
  ] as const)
    test(`unknown: with ${count.toString()}, ${needed.toString()} more needed`, () => {
      const verdict = evaluate(evidence(commits(moving.slice(0, count), same(60))));
      assert.deepEqual([verdict.status, verdict.samplesNeeded], ['unknown', needed]);
      assert.match(verdict.rule, new RegExp(`^${needed.toString()} more sample`));
    });

  test('unknown: three within two seconds are not enough', () => {
    const hasty = commits([1, 1, 1], [5, 5, 5]).map((sample, at) => ({ ...sample, at: start + at * 1_000 }));
    const verdict = evaluate(evidence(hasty));
    assert.deepEqual([verdict.status, verdict.samplesNeeded], ['unknown', 1]);
    assert.match(verdict.rule, /2.0 s are too short/);
  });

  test('nothing waits: no more are needed', () => {
    assert.deepEqual(evaluate(evidence(looks([5], [0]))), {
      status: 'ok',
      rule: 'nothing waits',
      samplesNeeded: 0,
      commitTimes: null,
    });
  });
});

describe('about to be lost', () => {
  const waiting = looks([1_000], [60]);
  const day = 24 * 60 * minute;
  table([
    {
      name: 'less than a tenth of the retention is left',
      evidence: evidence(waiting, { untilLossMs: day / 10 - 1, retentionMs: day }),
      status: 'losing',
      rule: /10 % of the retention/,
    },
    {
      name: 'more is left',
      evidence: evidence(waiting, { untilLossMs: day / 10 + 1, retentionMs: day }),
      status: 'unknown',
      rule: /more samples/,
    },
    {
      name: 'it stands at the first that are kept, and removal is by size',
      evidence: evidence(waiting, { nearStart: true, members: 0 }),
      status: 'losing',
      rule: /removal is by size/,
    },
    {
      name: 'some were removed before they were read',
      evidence: evidence(waiting, { lost: 12 }),
      status: 'losing',
      rule: /12 messages removed before being read/,
    },
    {
      name: 'what was removed is of no concern where nothing waits',
      evidence: evidence(looks([1_000], [0]), { lost: 12 }),
      status: 'ok',
      rule: /nothing waits/,
    },
  ]);
});

test('a group is as bad as its worst partition', () => {
  assert.equal(worstStatus(['ok', 'stop', 'warn']), 'stop');
  assert.equal(worstStatus(['ok', 'unknown']), 'unknown');
  assert.equal(worstStatus([]), 'idle');
  assert.deepEqual([...lagStatuses].reverse().slice(0, 2), ['losing', 'rewind']);
});

test('the slope is that of all samples, unknown ones left out', () => {
  const samples = commits(moving, [0, 60, 120, 180, 240, 300, 360, 420, 480, 540]);
  assert.equal(lagSlope(samples)?.toFixed(6), '1.000000');
  const holes = samples.map((sample, at) => (at === 4 ? { ...sample, lag: null } : sample));
  assert.equal(lagSlope(holes)?.toFixed(6), '1.000000');
  assert.equal(lagSlope(samples.slice(0, 1)), null);
});
