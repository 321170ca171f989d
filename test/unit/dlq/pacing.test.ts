import assert from 'node:assert/strict';
import test from 'node:test';

import { Breaker } from '../../../src/lib/dlq/breaker.ts';
import { Canary } from '../../../src/lib/dlq/canary.ts';
import { Governor } from '../../../src/lib/dlq/governor.ts';
import { batchSize, Pacer } from '../../../src/lib/dlq/pacing.ts';
import type { Came, Returns } from '../../../src/lib/dlq/returns.ts';
import { FakeClock } from './fake-clock.ts';

const { signal } = new AbortController();

test('a rate is held within two per cent over a thousand, each interval within twenty', async () => {
  const clock = new FakeClock();
  const pacer = new Pacer(50, clock);
  const times: number[] = [];
  for (let message = 0; message < 1_000; message += 1) {
    await pacer.turn(1, signal);
    times.push(clock.now());
  }
  const took = (times.at(-1) ?? 0) - (times[0] ?? 0);
  assert.ok(Math.abs(took / (999 * 20) - 1) < 0.02, `${took.toString()} ms`);
  const intervals = times.slice(1).map((time, at) => time - (times[at] ?? 0));
  assert.ok(intervals.every((interval) => interval >= 15.99 && interval <= 24.01));
  assert.ok(new Set(intervals.map((interval) => interval.toFixed(2))).size > 100, 'they differ');
});

test('a pause is not made up for by a burst', async () => {
  const clock = new FakeClock();
  const pacer = new Pacer(10, clock);
  await pacer.turn(1, signal);
  await clock.sleep(60_000);
  const before = clock.now();
  for (let message = 0; message < 11; message += 1) await pacer.turn(1, signal);
  assert.ok(clock.now() - before > 900);
});

test('without a limit nobody waits, and batches are what may be in flight', async () => {
  const clock = new FakeClock();
  await new Pacer(null, clock).turn(1_000, signal);
  assert.deepEqual(clock.sleeps, []);
  assert.equal(batchSize(null, 100), 100);
  assert.equal(batchSize(50, 100), 10);
  assert.equal(batchSize(0.1, 100), 1);
  assert.equal(batchSize(10_000, 100), 100);
});

test('the ramp is 1, 2, 5, 10, 20, 50, 100, then free; up to 20 there is none', () => {
  const canary = new Canary(true, 21);
  const steps: number[] = [];
  while (canary.room !== null) {
    steps.push(canary.room);
    assert.equal(canary.sent(canary.room), true);
    canary.widen();
  }
  assert.deepEqual(steps, [1, 2, 5, 10, 20, 50, 100]);
  assert.equal(canary.sent(1_000), false);
  assert.equal(new Canary(true, 20).room, null);
  assert.equal(new Canary(false, 1_000).room, null);
});

test('a step that is sent in parts is watched only when it is full', () => {
  const canary = new Canary(true, 100);
  canary.sent(1);
  canary.widen();
  assert.equal(canary.sent(1), false);
  assert.equal(canary.room, 1);
  assert.equal(canary.sent(1), true);
});

test('the breaker opens at 3 in a row, waits 30 s, tries one, closes', () => {
  const breaker = new Breaker();
  for (let message = 0; message < 50; message += 1) breaker.record(false, 0);
  breaker.record(true, 0);
  breaker.record(true, 0);
  assert.equal(breaker.state(0), 'closed');
  breaker.record(true, 0);
  assert.equal(breaker.state(0), 'open');
  assert.equal(breaker.waitMs(10_000), 20_000);
  assert.equal(breaker.state(30_000), 'half-open');
  breaker.record(false, 30_000);
  assert.equal(breaker.state(30_000), 'closed');
});

test('the breaker opens at 5 of the last 100, not at 5 of more', () => {
  const often = new Breaker();
  for (let message = 1; message <= 89; message += 1) often.record(message % 20 === 0, 0);
  assert.equal(often.state(0), 'closed');
  for (let message = 90; message <= 100; message += 1) often.record(message % 20 === 0, 0);
  assert.equal(often.state(0), 'open');
  const rarely = new Breaker();
  for (let message = 1; message <= 1_000; message += 1) rarely.record(message % 30 === 0, 0);
  assert.equal(rarely.state(0), 'closed');
});

test('the breaker doubles its wait, and the third opening ends the run', () => {
  const breaker = new Breaker();
  const fail = (now: number): void => {
    for (let message = 0; message < 3; message += 1) breaker.record(true, now);
  };
  fail(0);
  assert.equal(breaker.state(30_000), 'half-open');
  breaker.record(true, 30_000);
  assert.equal(breaker.waitMs(30_000), 60_000);
  assert.equal(breaker.state(90_000), 'half-open');
  breaker.record(false, 90_000);
  fail(90_000);
  assert.equal(breaker.state(90_000), 'ended');
});

class ScriptedReturns implements Returns {
  readonly blind = null;
  readonly #came: (() => Came)[];
  checks = 0;

  constructor(...came: Came[]) {
    this.#came = came.map((each) => () => each);
  }

  async check(): Promise<Came> {
    this.checks += 1;
    return this.#came.shift()?.() ?? { ordinals: [], strangers: 0, unidentified: 0 };
  }

  async tellApart(): Promise<readonly number[]> {
    return [];
  }

  removed(): void {
    // Nothing is counted here.
  }
}

function governed(
  returns: Returns,
  selected: number,
  ratePerSecond: number | null = null,
  overload: () => string | null = () => null,
) {
  const clock = new FakeClock();
  const returned: number[] = [];
  const notes: string[] = [];
  const governor = new Governor({
    pacer: new Pacer(ratePerSecond, clock),
    canary: new Canary(true, selected),
    breaker: new Breaker(),
    returns,
    clock,
    watchMs: 10_000,
    batchSize: 100,
    onReturned: (ordinals) => {
      const fresh = ordinals.filter((ordinal) => !returned.includes(ordinal));
      returned.push(...fresh);
      return fresh.length;
    },
    onNote: (text) => notes.push(text),
    overload: async () => overload(),
  });
  /** Sends until everything went or it has to end; resolves with how many went together each time. */
  const send = async (count: number, failing: (at: number) => boolean = () => false): Promise<number[]> => {
    const batches: number[] = [];
    for (let left = count; left > 0;) {
      const admitted = await governor.admit(left, signal);
      if (admitted === 0) break;
      const sent = count - left;
      let failed = 0;
      for (let at = sent; at < sent + admitted; at += 1) if (failing(at)) failed += 1;
      batches.push(admitted);
      left -= admitted;
      await governor.sent(admitted - failed, failed, signal);
    }
    return batches;
  };
  return { governor, clock, returned, notes, send };
}

test('the run widens while nothing comes back, watching after each step', async () => {
  const returns = new ScriptedReturns();
  const { send, governor, clock } = governed(returns, 1_000);
  assert.deepEqual((await send(1_000)).slice(0, 8), [1, 2, 5, 10, 20, 50, 100, 100]);
  assert.equal(governor.stopped, null);
  assert.equal(returns.checks, 7);
  assert.deepEqual(clock.sleeps, Array(7).fill(10_000));
});

test('what comes back stops the run within its first step, and is named', async () => {
  const { send, governor, returned } = governed(
    new ScriptedReturns({ ordinals: [0], strangers: 0, unidentified: 0 }),
    1_000,
  );
  assert.deepEqual(await send(1_000), [1]);
  assert.match(governor.stopped ?? '', /1 came back/);
  assert.deepEqual(returned, [0]);
  assert.equal(await governor.admit(5, signal), 0);
});

test('one that came back is met on the way: the ramp stops at once, a known one changes nothing', async () => {
  const { send, governor, returned } = governed(new ScriptedReturns(), 1_000);
  await send(3);
  governor.met(1);
  assert.deepEqual(returned, [1]);
  assert.match(governor.stopped ?? '', /came back/);
  const later = governed(new ScriptedReturns(), 20);
  later.governor.met(1);
  later.governor.met(1);
  later.governor.met(1);
  assert.equal(later.governor.stopped, null);
  assert.equal((await later.send(5)).length, 1);
});

test('what came back and cannot be named stops it, too', async () => {
  const { send, governor } = governed(
    new ScriptedReturns({ ordinals: [], strangers: 0, unidentified: 2 }),
    1_000,
  );
  assert.deepEqual(await send(1_000), [1]);
  assert.match(governor.stopped ?? '', /2 came back/);
});

test('a destination that fails for a while: the breaker waits, tries one, and the run finishes', async () => {
  const { send, governor, clock, notes } = governed(new ScriptedReturns(), 20);
  const batches = await send(20, (at) => at < 20 && at >= 17);
  assert.equal(governor.stopped, null);
  assert.equal(
    batches.reduce((sum, size) => sum + size, 0),
    20,
  );
  assert.equal(notes.length, 1);
  assert.match(notes[0] ?? '', /waiting 30 s/);
  await send(3);
  assert.ok(clock.sleeps.includes(30_000));
  assert.equal(governor.stopped, null);
});

test('a destination that keeps failing ends the run at the third opening', async () => {
  const { send, governor } = governed(new ScriptedReturns(), 1_000);
  const batches = await send(1_000, () => true);
  assert.match(governor.stopped ?? '', /three times/);
  assert.deepEqual(batches, [1, 2, 1, 1]);
});

test('an abort lets nothing more go', async () => {
  const { governor } = governed(new ScriptedReturns(), 20);
  assert.equal(await governor.admit(5, AbortSignal.abort()), 0);
});

test('while too many wait in the destination nothing goes but a test now and then; when they are worked off it goes on', async () => {
  let waiting = 0;
  const { send, governor, notes, clock } = governed(new ScriptedReturns(), 300, null, () =>
    waiting > 50 ? `${waiting.toString()} wait in "orders"` : null,
  );
  clock.onSleep = (milliseconds) => {
    // The consumer takes one a second while we wait.
    waiting = Math.max(0, waiting - milliseconds / 1_000);
  };
  const sent = await send(300, () => {
    waiting += 1;
    return false;
  });
  assert.equal(governor.stopped, null);
  assert.equal(
    sent.reduce((sum, count) => sum + count, 0),
    300,
  );
  assert.ok(
    notes.some((note) => note.includes('wait in "orders"')),
    notes.join('; '),
  );
});

test('a destination that stays overloaded ends the run at the third opening, and nothing has failed', async () => {
  const { send, governor } = governed(new ScriptedReturns(), 300, null, () => 'a million wait in "orders"');
  const sent = await send(300);
  assert.match(governor.stopped ?? '', /a million wait|three times/);
  assert.ok(sent.reduce((sum, count) => sum + count, 0) <= 4, sent.join());
});
