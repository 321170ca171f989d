import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { backoffMs, parseBackoff } from '../../../src/lib/dlq/backoff.ts';
import { Breaker, ofConsumers } from '../../../src/lib/dlq/breaker.ts';
import { toDeadLetterMessages } from '../../../src/lib/dlq/burial.ts';
import { Exec, type ExecOptions } from '../../../src/lib/dlq/exec.ts';
import { readFailure, roleOf } from '../../../src/lib/dlq/failure.ts';
import { fingerprint } from '../../../src/lib/dlq/fingerprint.ts';
import { FailedError, PartialError, UsageError } from '../../../src/lib/errors.ts';
import type { Message } from '../../../src/lib/message/message.ts';
import type { CommandEnd } from '../../../src/lib/operations/run-command.ts';
import { FakeClock } from './fake-clock.ts';
import { dead as sample, text } from './samples.ts';

const bytes = (words: string): Uint8Array => Buffer.from(words);
const going = new AbortController().signal;

function exits(status: number, words = ''): CommandEnd {
  return { kind: 'exited', status, errorTail: bytes(words) };
}

function execOf(
  ends: readonly CommandEnd[],
  clock = new FakeClock(),
  more: Partial<ExecOptions> = {},
): { exec: Exec; notes: string[] } {
  const left = [...ends];
  const notes: string[] = [];
  const exec = new Exec({
    run: async () => left.shift() ?? exits(0),
    maxAttempts: 3,
    backoff: { firstMs: 1_000, mostMs: 30_000 },
    burial: null,
    rejects: false,
    consumer: 'billing',
    breaker: null,
    clock,
    onNote: (text) => notes.push(text),
    ...more,
  });
  return { exec, notes };
}

describe('the wait between two attempts', () => {
  test('doubles up to the most, and is a random part of it', () => {
    const backoff = { firstMs: 1_000, mostMs: 5_000 };
    assert.deepEqual(
      [1, 2, 3, 4, 2_000].map((failed) => backoffMs(backoff, failed, 0.5)),
      [500, 1_000, 2_000, 2_500, 2_500],
    );
    assert.equal(backoffMs(backoff, 3, 0), 0);
  });

  test('is said as the first and the most', () => {
    assert.deepEqual(parseBackoff('1s'), { firstMs: 1_000, mostMs: 30_000 });
    assert.deepEqual(parseBackoff('500ms..5m'), { firstMs: 500, mostMs: 300_000 });
    assert.deepEqual(parseBackoff('2m'), { firstMs: 120_000, mostMs: 120_000 });
    for (const wrong of ['', 'soon', '1s..', '5m..1s', '1s..2s..3s'])
      assert.throws(() => parseBackoff(wrong), UsageError, wrong);
  });
});

describe('a command as the consumer', () => {
  test('is run again after a failure, with a growing wait, and then has handled the message', async () => {
    const clock = new FakeClock();
    const { exec, notes } = execOf([exits(1), exits(3, 'no luck\n')], clock);
    await exec.handle(sample([]), going);
    assert.deepEqual(exec.tally, { succeeded: 1, retried: 2, buried: 0 });
    assert.equal(clock.sleeps.length, 2);
    assert.ok((clock.sleeps[0] ?? 0) <= 1_000 && (clock.sleeps[1] ?? 0) <= 2_000);
    assert.match(notes[1] ?? '', /exit 3 \(no luck\), attempt 2 of 3/);
  });

  test('that never succeeds ends the consuming where there are no dead letters: 1 alone, 6 after others', async () => {
    const never = [exits(1), exits(1), exits(1)];
    await assert.rejects(execOf(never).exec.handle(sample([]), going), FailedError);
    const { exec } = execOf([exits(0), ...never]);
    await exec.handle(sample([]), going);
    await assert.rejects(exec.handle(sample([]), going), PartialError);
  });

  for (const end of [
    exits(127),
    exits(126),
    { kind: 'not-started', reason: 'EAGAIN', errorTail: bytes('') } as const,
  ])
    test(`that cannot be run at all (${end.kind === 'exited' ? end.status.toString() : end.kind}) is no fault of the message`, async () => {
      const clock = new FakeClock();
      const { exec } = execOf([end], clock);
      await assert.rejects(exec.handle(sample([]), going), /could not be run/);
      assert.equal(clock.sleeps.length, 0);
    });

  const buries = (): Partial<ExecOptions> => ({
    maxAttempts: 1,
    burial: { bury: async () => null },
    breaker: new Breaker(ofConsumers),
  });

  test('that fails on all of them pauses, tries one, and ends: the queue is not emptied into the dead letters', async () => {
    const clock = new FakeClock();
    const { exec } = execOf(Array<CommandEnd>(100).fill(exits(1)), clock, buries());
    for (let message = 0; message < 5; message += 1) await exec.handle(sample([]), going);
    assert.deepEqual(clock.sleeps, [30_000, 60_000]);
    await assert.rejects(exec.handle(sample([]), going), (error) => {
      assert.ok(error instanceof PartialError);
      assert.match(error.message, /one message after the other; 5 were handled before/);
      return true;
    });
    assert.equal(exec.tally.buried, 5);
  });

  test('that succeeds again after a pause goes on as if nothing had been, however often', async () => {
    const clock = new FakeClock();
    const outage = [exits(1), exits(1), exits(1), exits(0)];
    const { exec } = execOf(Array<readonly CommandEnd[]>(5).fill(outage).flat(), clock, buries());
    for (let message = 0; message < 20; message += 1) await exec.handle(sample([]), going);
    assert.deepEqual(clock.sleeps, Array(5).fill(30_000));
    assert.deepEqual(exec.tally, { succeeded: 5, retried: 0, buried: 15 });
  });

  test('that gives up every other one is not paused', async () => {
    const clock = new FakeClock();
    const { exec } = execOf(
      Array.from({ length: 200 }, (_, at) => exits(at % 2)),
      clock,
      buries(),
    );
    for (let message = 0; message < 200; message += 1) await exec.handle(sample([]), going);
    assert.deepEqual(clock.sleeps, []);
  });

  test('is not run again after Ctrl-C', async () => {
    const ending = new AbortController();
    const { exec } = execOf([exits(1)]);
    const reason = new Error('interrupted');
    ending.abort(reason);
    await assert.rejects(exec.handle(sample([]), ending.signal), reason);
    assert.equal(exec.tally.retried, 0);
  });
});

describe('the dead letter of a command', () => {
  const original: Message = {
    ...sample([text('mqctl-dead-letter-class', 'old'), text('x-native', 'broker'), text('trace', 'abc')]),
    channel: 'orders',
    partition: '3',
    offset: '42',
    timestamp: 5_000,
    properties: { expiration: '60000', userId: 'shop', contentType: 'text/plain', exchange: 'e' },
  };
  const death = {
    end: exits(3, 'Traceback\n  File "/srv/bill.py", line 3, in bill\nValueError: no order 42\n\n'),
    attempts: 3,
    consumer: 'billing',
    at: Date.UTC(2026, 10, 20),
  };
  const native = {
    pairs: async () => [],
    read: () => null,
    volatileHeaders: ['x-native'],
    volatileProperties: ['exchange'],
  };
  const [{ message: dead }] = toDeadLetterMessages(original, death, native, 'bytes');

  test('says everything that a redrive and a grouping need', () => {
    const failure = readFailure({ ...original, ...dead, channel: 'orders.dlq' }, null);
    assert.ok(failure !== null);
    const { stack, ...rest } = failure;
    assert.deepEqual(rest, {
      reason: 'the command failed 3 times',
      class: 'exit 3',
      message: 'ValueError: no order 42',
      attempts: 3,
      origin: { channel: 'orders', partition: '3', offset: '42' },
      consumer: 'billing',
      at: death.at,
      sentAt: 5_000,
      routingKey: null,
    });
    assert.match(stack ?? '', /bill\.py/);
  });

  test('keeps key, value and what the sender wrote, and nothing that bound it to its first way', () => {
    assert.deepEqual([dead.key, dead.value], [original.key, original.value]);
    assert.deepEqual(dead.properties, { contentType: 'text/plain' });
    const names = dead.headers.map(({ name }) => name);
    assert.ok(names.includes('trace') && !names.includes('x-native'));
    assert.equal(names.filter((name) => name === 'mqctl-dead-letter-class').length, 1);
    assert.ok(names.includes('mqctl-dead-letter-expiration'), 'not lost');
    for (const name of names) if (name !== 'trace') assert.equal(roleOf(name), 'failure', name);
  });

  test('of the same failure with other numbers has the same cause, of another exit another one', () => {
    const causeOf = (end: CommandEnd): string => {
      const [{ message }] = toDeadLetterMessages(original, { ...death, end }, native, 'bytes');
      const failure = readFailure({ ...original, ...message }, null);
      assert.ok(failure !== null);
      return fingerprint(failure).id;
    };
    assert.equal(causeOf(exits(3, 'no order 42')), causeOf(exits(3, 'no order 43')));
    assert.notEqual(causeOf(exits(3, 'no order 42')), causeOf(exits(4, 'no order 42')));
  });

  test('says the same in one header of one line where headers are text', () => {
    const [{ message, leftOut }] = toDeadLetterMessages(original, death, native, 'text');
    assert.equal(leftOut, null);
    const header = message.headers.find(({ name }) => name === 'mqctl-dead-letter');
    assert.ok(header?.value instanceof Uint8Array);
    assert.doesNotMatch(Buffer.from(header.value).toString(), /[\r\n]/);
    assert.deepEqual(
      message.headers.map(({ name }) => name),
      ['trace', 'mqctl-dead-letter'],
    );
    assert.deepEqual(
      readFailure({ ...original, ...message }, null),
      readFailure({ ...original, ...dead }, null),
    );
    assert.equal(roleOf('mqctl-dead-letter'), 'failure');
  });

  test('is the message alone where there are no headers', () => {
    const forms = toDeadLetterMessages(original, death, native, 'none');
    assert.deepEqual(
      forms.map(({ leftOut }) => leftOut),
      ['why it died and where it lay'],
    );
  });

  test('has a message without colours and without the progress that was written over', () => {
    const end = exits(1, '10 %\r20 %\r\u001b[31mno order 42\u001b[0m\r\n');
    const [{ message }] = toDeadLetterMessages(original, { ...death, end }, native, 'bytes');
    assert.equal(readFailure({ ...original, ...message }, null)?.message, 'no order 42');
  });
});
