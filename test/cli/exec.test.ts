import assert from 'node:assert/strict';
import { once } from 'node:events';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { execCases, handled, interrupted, untilHandled } from './exec.ts';
import { ended, startMqctl } from './run-mqctl.ts';
import { attack, controlsIn, onTerminal, withoutTerminal } from './terminal.ts';
import { workplace, type Workplace } from './workplace.ts';

const context = 'local:shop.db';
const keep = 'cat >> handled; echo >> handled';

/** A channel of the embedded broker with these lines in it. */
async function channelWith(t: TestContext, lines: string): Promise<{ shop: Workplace; channel: string }> {
  const shop = await workplace(t, context);
  const channel = await shop.channel();
  await shop.done(['produce', channel], lines);
  return { shop, channel };
}

describe('a script as a consumer of the embedded broker', () => {
  execCases({ context: () => context, take: () => ['--ack'], skip: false });
});

describe('consume --exec', () => {
  test('has to be told how messages are taken, and takes none for a wrong flag', async (t) => {
    const { shop, channel } = await channelWith(t, 'a\nb');
    for (const [words, says] of [
      [['--exec', keep], /--group NAME, or --ack/],
      [['--ack', '--exec', keep, '--backoff', 'soon'], /no duration/],
      [['--ack', '--exec', keep, '--max-attempts', '0'], /at least 1/],
      [['--ack', '--exec', keep, '--dead-letter', channel], /its own dead letters/],
      [['--ack', '--exec', keep, '-o', 'json'], /--output/],
      [['--ack', '--max-attempts', '2'], /--exec/],
    ] as const) {
      const { code, stderr } = await shop.run(['consume', channel, ...words]);
      assert.equal(code, 2, stderr);
      assert.match(stderr, says);
    }
    const missing = await shop.run([
      'consume',
      channel,
      '--ack',
      '--exec',
      'exit 1',
      '--dead-letter',
      'no.dlq',
    ]);
    assert.equal(missing.code, 1);
    assert.match(missing.stderr, /no channel "no\.dlq"/);
    await shop.done(['consume', channel, '--ack', '--exec', keep]);
    assert.deepEqual(await handled(shop.folder), ['a', 'b']);
  });

  test('is refused by a read-only context', async (t) => {
    const { shop, channel } = await channelWith(t, 'a');
    const file = join(shop.folder, 'contexts.yaml');
    await writeFile(file, `contexts:\n  prod:\n    url: ${context}\n    readOnly: true\n`, { mode: 0o600 });
    const child = startMqctl(['consume', channel, '--ack', '--exec', keep, '-c', 'prod'], {
      folder: shop.folder,
      environment: { MQCTL_CONFIG: file },
    });
    child.stdin?.end();
    const { code, stderr } = await ended(child);
    assert.equal(code, 2);
    assert.match(stderr, /"prod" is read-only, and "consume --exec"/);
    assert.deepEqual(await handled(shop.folder), []);
  });

  test('without dead letters ends where one fails for good: 1, or 6 after others, and that one comes again', async (t) => {
    const { shop, channel } = await channelWith(t, 'a\nb\nc');
    const fail = (value: string): string[] => [
      ...['consume', channel, '--ack', '--backoff', '1ms', '--exec'],
      `v=$(cat); [ "$v" = ${value} ] && exit 9; echo "$v" >> handled`,
    ];
    assert.equal((await shop.run(fail('a'))).code, 1);
    const second = await shop.run(fail('b'));
    assert.equal(second.code, 6);
    assert.match(second.stderr, /exit 9, attempt 3 of 3; 1 was handled before/);
    await shop.done(fail('x'));
    assert.deepEqual(await handled(shop.folder), ['a', 'b', 'c']);
  });

  test('ends at once where the command cannot be run, and gives no message up for that', async (t) => {
    const { shop, channel } = await channelWith(t, 'a\nb');
    const dead = await shop.channel();
    const { code, stderr } = await shop.run([
      ...['consume', channel, '--ack', '--exec', './not-there', '--dead-letter', dead],
    ]);
    assert.equal(code, 1);
    assert.match(stderr, /could not be run: the shell says 127/);
    assert.equal((await shop.done(['consume', dead])).stdout.length, 0);
    await shop.done(['consume', channel, '--ack', '--exec', keep]);
    assert.deepEqual(await handled(shop.folder), ['a', 'b']);
  });

  test('ends a command that takes too long, and that is a failed attempt', async (t) => {
    const { shop, channel } = await channelWith(t, 'a');
    const dead = await shop.channel();
    await shop.done([
      ...['consume', channel, '--ack', '--exec', 'sleep 100', '--exec-timeout', '200ms'],
      ...['--max-attempts', '1', '--dead-letter', dead],
    ]);
    const { stdout } = await shop.done(['dlq', 'inspect', dead, '-o', 'ndjson']);
    assert.match(stdout.toString(), /"class":"timed out"/);
  });

  test('keeps what it works on longer than the lease, so that nobody else gets it', async (t) => {
    const shop = await workplace(t, context);
    const channel = await shop.channel('--setting', 'lease.ms=400');
    await shop.done(['produce', channel], 'a');
    const slow = shop.done(['consume', channel, '--ack', '--exec', 'echo on >> handled; sleep 3']);
    await untilHandled(shop.folder, 1);
    const other = shop.done(['consume', channel, '--ack', '--follow', '--for', '2s', '-o', 'value']);
    assert.equal((await other).stdout.toString(), '');
    assert.match((await slow).stderr, /1 handled/);
    assert.deepEqual(await handled(shop.folder), ['on']);
  });

  test('kills the command at the second Ctrl-C, and its message comes again', async (t) => {
    const { shop, channel } = await channelWith(t, 'a');
    const stubborn = "trap '' INT TERM; echo $$ >> pid; echo on >> started; while :; do sleep 1; done";
    const { code } = await interrupted(shop, 2, ['consume', channel, '--ack', '--exec', stubborn]);
    assert.equal(code, 130);
    const { stdout } = await shop.done(['consume', channel, '--ack', '--exec', 'cat pid']);
    const pid = Number(stdout.toString());
    for (;;) {
      try {
        process.kill(pid, 0);
      } catch {
        break;
      }
      await sleep(20);
    }
  });

  test('does not settle what it could not write out', async (t) => {
    const { shop, channel } = await channelWith(t, 'a\nb');
    const child = startMqctl(['consume', channel, '--ack', '--exec', 'cat', '-c', context], {
      folder: shop.folder,
    });
    child.stdin?.end();
    child.stdout?.destroy();
    await once(child, 'close');
    assert.equal(child.exitCode, 0, 'a reader that has gone is no failure');
    await shop.done(['consume', channel, '--ack', '--exec', keep]);
    assert.deepEqual(await handled(shop.folder), ['a', 'b']);
  });

  test('what a command says is made visible on a terminal', { skip: withoutTerminal }, async (t) => {
    const { shop, channel } = await channelWith(t, attack);
    const shown = await onTerminal(
      ['consume', channel, '--ack', '--exec', 'tee /dev/stderr', '-c', context],
      shop.folder,
    );
    assert.match(shown, /owned.*owned/s);
    assert.deepEqual(controlsIn(shown), []);
  });

  test('gives the whole record where the value is not enough', async (t) => {
    const { shop, channel } = await channelWith(t, 'a');
    const { stdout } = await shop.done([
      'consume',
      channel,
      '--ack',
      '--exec',
      'cat',
      '--exec-input',
      'record',
    ]);
    assert.match(stdout.toString(), /^\{"channel":.*"value":"a".*\}\n$/);
  });
});
