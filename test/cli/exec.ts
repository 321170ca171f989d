/** A shell script as a consumer, at any system: what every one of them has to keep. */
import assert from 'node:assert/strict';
import { appendFile, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { isObject } from './random-records.ts';
import { ended, startMqctl, type Ended } from './run-mqctl.ts';
import { workplace, type Workplace } from './workplace.ts';

export interface ExecSystem {
  /** For `-c`, asked for when the test runs. */
  readonly context: () => string;
  /** How messages are taken there: with names of its own for each channel. */
  readonly take: (channel: string) => readonly string[];
  readonly skip: string | false;
}

const quick = ['--backoff', '10ms'];

export async function handled(folder: string): Promise<string[]> {
  await appendFile(join(folder, 'handled'), '');
  return (await readFile(join(folder, 'handled'), 'utf8')).split('\n').slice(0, -1);
}

/** Resolves when the script has handled so many. */
export async function untilHandled(folder: string, count: number): Promise<void> {
  while ((await handled(folder)).length < count) await sleep(20);
}

function parseRecords({ stdout }: Ended): Readonly<Record<string, unknown>>[] {
  return stdout
    .toString()
    .split('\n')
    .slice(0, -1)
    .map((line) => {
      const record: unknown = JSON.parse(line);
      assert.ok(isObject(record));
      return record;
    });
}

function consumeWords(
  take: ExecSystem['take'],
  channel: string,
  command: string,
  ...more: string[]
): string[] {
  return ['consume', channel, ...take(channel), '--exec', command, ...quick, ...more];
}

/** What the headers of ours say: one for each fact, or one for all of them. */
function deathFacts(headers: unknown): ReadonlyMap<string, string> {
  const facts = new Map<string, string>();
  assert.ok(Array.isArray(headers));
  const all: readonly unknown[] = headers;
  for (const header of all) {
    assert.ok(Array.isArray(header));
    const parts: readonly unknown[] = header;
    const [name, value] = parts;
    if (typeof name !== 'string' || typeof value !== 'string') continue;
    facts.set(name.replace(/^mqctl-dead-letter-/, ''), value);
    if (name !== 'mqctl-dead-letter') continue;
    const said: unknown = JSON.parse(value);
    assert.ok(isObject(said));
    for (const [fact, text] of Object.entries(said)) facts.set(fact, String(text));
  }
  return facts;
}

/** What a consumer has to keep above all. */
export function deadLetterCase({ context, take, skip }: ExecSystem): void {
  test(
    'a message that is given up is a dead letter that says all, and goes back to where it came from',
    { skip },
    async (t) => {
      const shop = await workplace(t, context());
      const channel = await shop.channel();
      const deadLetters = await shop.channel();
      await shop.done(['produce', channel, '--header', 'trace=abc'], 'good\nbad\ngood');
      const script =
        'v=$(cat); [ "$v" = bad ] || exit 0; head -c 9000 /dev/zero | tr "\\0" x >&2; echo >&2; echo "ValueError: no order 42" >&2; exit 3';
      const { stderr } = await shop.done(
        consumeWords(take, channel, script, '--max-attempts', '2', '--dead-letter', deadLetters),
      );
      assert.match(stderr, /2 handled, 1 attempt repeated, 1 moved/);
      const looked = await shop.done(['dlq', 'inspect', deadLetters, '-o', 'ndjson']);
      const [dead, ...others] = parseRecords(looked);
      assert.equal(others.length, 0);
      assert.ok(dead !== undefined);
      assert.equal(dead['value'], 'bad');
      const text = JSON.stringify(dead);
      assert.match(text, /"class":"exit 3"/);
      assert.match(text, /"message":"ValueError: no order 42"/);
      assert.match(text, /"attempts":2/);
      assert.match(text, new RegExp(`"origin":{"channel":"${channel}"`));
      assert.match(text, /\["trace","abc"\]/);
      const facts = deathFacts(dead['headers']);
      assert.equal(facts.get('exit-status'), '3');
      const tail = facts.get('stderr') ?? '';
      assert.ok(tail.length > 1_000 && tail.length < 5_000, tail.length.toString());
      assert.ok(tail.endsWith('\nValueError: no order 42\n'), 'its lines are kept');
      await shop.done(['dlq', 'redrive', deadLetters, '--all', '--yes', '--rate', 'max']);
      const back = await shop.done(
        consumeWords(
          take,
          channel,
          'cat >> handled; echo " $MQCTL_HEADERS" >> handled',
          '--idle-timeout',
          '20s',
        ),
      );
      assert.match(back.stderr, /1 handled/);
      const [line = ''] = await handled(shop.folder);
      assert.match(line, /^bad \[.*\["trace","abc"\]/);
      assert.ok(!line.includes('mqctl-dead-letter'), 'it is tried anew');
    },
  );
}

export function execCases(system: ExecSystem): void {
  const { skip, take } = system;
  const place = (t: TestContext): Promise<Workplace> => workplace(t, system.context());
  const consume = (channel: string, command: string, ...more: string[]): string[] =>
    consumeWords(take, channel, command, ...more);
  const again = async (shop: Workplace, channel: string): Promise<string[]> => {
    await shop.done(consume(channel, 'cat >> handled; echo >> handled', '--idle-timeout', '20s'));
    return handled(shop.folder);
  };

  test(
    'a script gets each message in order, and what it handled does not come again',
    { skip },
    async (t) => {
      const shop = await place(t);
      const channel = await shop.channel();
      const values = Array.from({ length: 12 }, (_, at) => `message ${at.toString()} $(touch bad) "';`);
      await shop.done(['produce', channel], values.join('\n'));
      const { stderr } = await shop.done(consume(channel, 'cat >> handled; echo >> handled'));
      assert.deepEqual(await handled(shop.folder), values);
      assert.match(stderr, /12 handled/);
      await assert.rejects(readFile(join(shop.folder, 'bad')), 'a message is never a part of the command');
      assert.deepEqual(await again(shop, channel), values);
    },
  );

  test('a message that fails is tried again, in its place', { skip }, async (t) => {
    const shop = await place(t);
    const channel = await shop.channel();
    await shop.done(['produce', channel], 'a\nb\nc');
    const script = 'v=$(cat); [ "$v$MQCTL_ATTEMPT" = b1 ] && exit 1; echo "$v $MQCTL_ATTEMPT" >> handled';
    await shop.done(consume(channel, script));
    assert.deepEqual(await handled(shop.folder), ['a 1', 'b 2', 'c 1']);
  });

  deadLetterCase(system);

  test('kill -9 in the middle loses nothing: each is handled, or a dead letter', { skip }, async (t) => {
    const shop = await place(t);
    const channel = await shop.channel();
    const deadLetters = await shop.channel();
    const values = Array.from({ length: 30 }, (_, at) => at.toString());
    await shop.done(['produce', channel], values.join('\n'));
    const words = consume(
      channel,
      'v=$(cat); [ $((v % 3)) = 0 ] && exit 1; echo "$v" >> handled',
      '--max-attempts',
      '1',
      '--dead-letter',
      deadLetters,
    );
    const child = startMqctl([...words, '-c', shop.context], { folder: shop.folder });
    child.stdin?.end();
    const end = ended(child);
    await untilHandled(shop.folder, 5);
    child.kill('SIGKILL');
    await end;
    await shop.done([...words, '--idle-timeout', '30s']);
    const dead = parseRecords(
      await shop.done(['dlq', 'inspect', deadLetters, '--limit', '100', '-o', 'ndjson']),
    );
    const there = new Set([...(await handled(shop.folder)), ...dead.map((record) => record['value'])]);
    assert.deepEqual(
      values.filter((value) => !there.has(value)),
      [],
    );
  });

  test(
    'Ctrl-C lets the running command finish, settles its message, and ends with 130',
    { skip },
    async (t) => {
      const shop = await place(t);
      const channel = await shop.channel();
      await shop.done(['produce', channel], 'a\nb\nc');
      const end = await interrupted(
        shop,
        1,
        consume(channel, 'echo on >> started; sleep 1; cat >> handled; echo >> handled'),
      );
      assert.equal(end.code, 130, end.stderr);
      assert.deepEqual(await handled(shop.folder), ['a']);
      assert.deepEqual(await again(shop, channel), ['a', 'b', 'c']);
    },
  );
}

/** Runs it until its command has started, then presses Ctrl-C so often. */
export async function interrupted(shop: Workplace, times: number, words: readonly string[]): Promise<Ended> {
  const child = startMqctl([...words, '-c', shop.context], { folder: shop.folder });
  child.stdin?.end();
  const end = ended(child);
  for (;;) {
    const started = await readFile(join(shop.folder, 'started'), 'utf8').catch(() => '');
    if (started.endsWith('\n')) break;
    await sleep(20);
  }
  for (let time = 0; time < times; time += 1) {
    child.kill('SIGINT');
    await sleep(200);
  }
  return end;
}
