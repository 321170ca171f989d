import assert from 'node:assert/strict';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { isObject } from './random-records.ts';
import { mqctl, scratchFolder, type Ended } from './run-mqctl.ts';
import { workplace } from './workplace.ts';

function json({ stdout }: Ended): object {
  const document: unknown = JSON.parse(stdout.toString());
  assert.ok(typeof document === 'object' && document !== null);
  return document;
}

async function shop(t: TestContext) {
  const there = await workplace(t, 'local:shop.db');
  const channel = await there.channel('--partitions', '2');
  for (const partition of ['0', '1'])
    await there.done(['produce', channel, '--partition', partition], 'a\nb\nc\nd\n');
  await there.done(['consume', channel, '--group', 'billing', '-o', 'raw']);
  const standing = async (): Promise<string> =>
    (await there.done(['offsets', 'export', 'billing'])).stdout.toString();
  return { ...there, channel, standing };
}

test('a reset only shows what it means, until --yes is said; undo puts back what was there', async (t) => {
  const { channel, done, run, standing } = await shop(t);
  const before = await standing();
  const reset = ['offsets', 'reset', 'billing', '--channel', channel, '--to', 'start+1'];
  const shown = await done(reset);
  assert.match(shown.stdout.toString(), /3 read again/);
  assert.match(shown.stderr, /6 messages at most are read again/);
  assert.match(shown.stderr, /nothing was changed: say --yes/);
  assert.equal(await standing(), before);
  const set = await done([...reset, '--yes', '--reason', 'incident 42', '-o', 'json']);
  const move = { before: '4', after: '1', effect: 'again', messages: 3, outcome: 'set' };
  assert.partialDeepStrictEqual(json(set), { applied: true, state: 'done', positions: [move, move] });
  assert.equal(await standing(), `${channel},0,1\n${channel},1,1\n`);
  const job = { kind: 'reset', state: 'done', channel: 'billing', reason: 'incident 42' };
  assert.partialDeepStrictEqual(json(await done(['jobs', 'ls', '-o', 'json'])), { jobs: [job] });
  await done(['offsets', 'undo', 'billing', '--yes']);
  assert.equal(await standing(), before);
  const again = await run(['offsets', 'undo', 'billing', '--yes']);
  assert.equal(again.code, 1);
  assert.match(again.stderr, /nothing to undo/);
});

test('what is wrong is named exactly, and nothing is changed', async (t) => {
  const { channel, run, standing } = await shop(t);
  const before = await standing();
  const to = (words: readonly string[], position: string) => [
    ...['offsets', 'reset', 'billing', '--to', position, '--yes'],
    ...words,
  ];
  const here = ['--channel', channel];
  const wrong: readonly [readonly string[], number, RegExp, string?][] = [
    [to([], 'start'), 2, /in which channels/],
    [['offsets', 'reset', 'nobody', '--to', 'start', ...here, '--yes'], 1, /no group "nobody"/],
    [to(['--channel', 'nowhere'], 'start'), 1, /no channel "nowhere"/],
    [to([...here, '--partition', '7'], 'start'), 1, /no partition "7"/],
    [to(here, '@+1h'), 2, /lies in the future/],
    [to(here, '99'), 2, /99 in [^ ]+:0, which has 0 to 4/],
    [to([...here, ...here], 'start'), 2, /is named twice: the scopes overlap/],
    [to([...here, '--partition', '0'], '0:1'), 2, /overlap/],
    [
      ['offsets', 'import', 'billing', '--yes'],
      2,
      /stdin, line 2: 2 fields/,
      `${channel},0,1\n${channel},0\n`,
    ],
    [
      ['offsets', 'import', 'billing', '--yes'],
      2,
      /line 2: "x" is no offset/,
      `${channel},0,1\n${channel},1,x\n`,
    ],
    [
      ['offsets', 'import', 'billing', '--yes'],
      2,
      /line 2: .*:0 is named in line 1 already/,
      `${channel},0,1\n${channel},0,2\n`,
    ],
    [['offsets', 'import', 'billing', '--yes'], 2, /no such offset: 99/, `${channel},0,99\n`],
    [['offsets', 'import', 'billing', '--yes'], 2, /no positions of "billing"/, `other,${channel},0,1\n`],
  ];
  for (const [words, code, message, input] of wrong) {
    const result = await run(words, input);
    assert.equal(result.code, code, `${words.join(' ')}: ${result.stderr}`);
    assert.match(result.stderr, message);
  }
  assert.equal(await standing(), before);
});

test('a setting is changed, and taken back to "was not set"', async (t) => {
  const { channel, done, run } = await shop(t);
  const isSet = async (value: string): Promise<void> =>
    assert.partialDeepStrictEqual(json(await done(['describe', channel, '-o', 'json'])), {
      settings: { 'max.deliveries': value },
    });
  const isNotSet = async (): Promise<void> =>
    assert.doesNotMatch((await done(['describe', channel])).stdout.toString(), /max\.deliveries/);
  const shown = await done(['set', channel, '--setting', 'max.deliveries=9']);
  assert.match(shown.stdout.toString(), /not set \(5 applies\) +9/);
  await isNotSet();
  await done(['set', channel, '--setting', 'max.deliveries=9', '--yes']);
  await done(['set', channel, '--setting', 'max.deliveries=11', '--yes']);
  await isSet('11');
  await done(['set', channel, '--undo', '--yes']);
  await isSet('9');
  await done(['set', channel, '--undo', '--yes']);
  await isNotSet();
  assert.equal((await run(['set', channel, '--undo', '--yes'])).code, 1);
  await done(['set', channel, '--setting', 'max.deliveries=9', '--yes']);
  const list = await done(['jobs', 'ls', '--kind', 'setting', '--state', 'done', '-o', 'ndjson']);
  const newest: unknown = JSON.parse(list.stdout.toString().split('\n')[0] ?? '');
  assert.ok(isObject(newest));
  const job = String(newest['id']);
  const asked = await run(['jobs', 'rm', job]);
  assert.equal(asked.code, 2);
  assert.match(asked.stderr, new RegExp(`"mqctl set ${channel} --undo" cannot put it back`));
  await isSet('9');
  assert.match((await done(['jobs', 'rm', job, '--yes', '--quiet'])).stderr, /cannot put it back/);
  assert.equal((await run(['set', channel, '--undo', '--yes'])).code, 1);
  const fixed = await run(['set', channel, '--setting', 'partitions=9', '--yes']);
  assert.equal(fixed.code, 5);
  assert.match(fixed.stderr, /fixed when a channel is created/);
});

test('a group is deleted when that is agreed to', async (t) => {
  const { done, run } = await shop(t);
  const shown = await done(['groups', 'delete', 'billing', '--dry-run']);
  assert.match(shown.stderr, /would delete the share group "billing".*2 positions/);
  assert.equal((await run(['groups', 'delete', 'billing'])).code, 2);
  await done(['groups', 'delete', 'billing', '--yes']);
  assert.equal((await run(['offsets', 'show', 'billing'])).code, 1);
});

test('replay: a group reads again, or a range is published again byte for byte', async (t) => {
  const { channel, done, run, standing } = await shop(t);
  await done(['replay', channel, '--group', 'billing', '--from', 'start', '--yes']);
  assert.equal(await standing(), `${channel},0,0\n${channel},1,0\n`);
  await using elsewhere = await scratchFolder();
  const other = `local:${join(elsewhere.path, 'archive.db')}`;
  const record = {
    key: null,
    value: null,
    headers: [
      ['trace', 'abc'],
      ['trace', null],
    ],
    properties: { type: 'order' },
  };
  await done(['produce', channel, '--format', 'ndjson'], `${JSON.stringify(record)}\n`);
  const folder = elsewhere.path;
  await mqctl(['create', 'copy', '--partitions', '2', '-c', other], { folder });
  const words = ['replay', channel, '--to', `copy@${other}`, '--keep', 'partition,timestamp'];
  assert.match((await done(words)).stderr, /nothing was published: say --yes/);
  const counts = { selected: 9, published: 9, failed: 0, gone: 0, inDoubt: 0, remaining: 0 };
  assert.partialDeepStrictEqual(json(await done([...words, '--yes', '-o', 'json'])), counts);
  const records = ({ stdout }: Ended): unknown[] =>
    stdout
      .toString()
      .trim()
      .split('\n')
      // The copy's times are those that its publisher gave.
      .map((line) => line.replace(/"channel":"[^"]*"|"timestampType":"[^"]*"/g, ''));
  const copied = await mqctl(['consume', 'copy', '-o', 'ndjson', '-c', other], { folder });
  assert.deepEqual(records(copied), records(await done(['consume', channel, '-o', 'ndjson'])));
  const onto = await run(['replay', channel, '--to', channel]);
  assert.equal(onto.code, 2);
  assert.match(onto.stderr, /onto itself/);
  const both = await run(['replay', channel, '--to', channel, '--group', 'billing']);
  assert.equal(both.code, 2);
});
