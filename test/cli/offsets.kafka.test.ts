import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { consumerGroups, startConsoleConsumer } from '../brokers/kafka-tools.ts';
import { addressOf, without } from '../brokers/needs.ts';
import { eventually } from '../contract/suite/workbench.ts';
import { ended, startMqctl } from './run-mqctl.ts';
import { workplace } from './workplace.ts';

const skip = without('kafka');

test('positions go to kafka-consumer-groups and come from it', { skip }, async (t) => {
  const address = addressOf('kafka');
  const { channel, done, folder } = await workplace(t, `kafka://${address}`);
  const topic = await channel('--partitions', '2');
  const group = `cli-${randomUUID()}`;
  const lines = Array.from({ length: 40 }, (_, index) => `message ${index.toString()}\n`).join('');
  await done(['produce', topic, '--partition', '0'], lines);
  await done(['produce', topic, '--partition', '1'], lines);
  await done(['consume', topic, '--group', group, '-o', 'raw']);
  const csv = async (): Promise<string[]> =>
    (await done(['offsets', 'export', group])).stdout.toString().trim().split('\n').sort();
  assert.deepEqual(await csv(), [`${topic},0,40`, `${topic},1,40`]);

  // Ours, read by Java.
  const ours = join(folder, 'ours.csv');
  await writeFile(ours, `${topic},0,7\n${topic},1,9\n`);
  await consumerGroups(address, [...['--group', group, '--reset-offsets', '--from-file', ours, '--execute']]);
  assert.deepEqual(await csv(), [`${topic},0,7`, `${topic},1,9`]);
  const exported = (await done(['offsets', 'export', group, '--with-group'])).stdout;
  await done(['offsets', 'reset', group, '--channel', topic, '--to', 'end', '--yes']);
  await writeFile(ours, exported);
  await consumerGroups(address, [
    ...['--group', group, '--group', `${group}-none`],
    ...['--reset-offsets', '--from-file', ours, '--execute'],
  ]);
  assert.deepEqual(await csv(), [`${topic},0,7`, `${topic},1,9`]);

  // Java's, read by us.
  const theirs = join(folder, 'theirs.csv');
  const words = ['--reset-offsets', '--topic', topic, '--shift-by', '3', '--export', '--dry-run'];
  await writeFile(theirs, await consumerGroups(address, ['--group', group, ...words]));
  await done(['offsets', 'import', group, '--file', theirs, '--yes']);
  assert.deepEqual(await csv(), [`${topic},0,10`, `${topic},1,12`]);

  // And back, one after the other.
  for (const expected of [
    [`${topic},0,7`, `${topic},1,9`], // before the import
    [`${topic},0,7`, `${topic},1,9`], // before the reset to the end, which Java then changed
  ]) {
    await done(['offsets', 'undo', group, '--yes']);
    assert.deepEqual(await csv(), expected);
  }
  await done(['groups', 'delete', group, '--yes']);
});

test('a group with two messages read of each of two partitions', { skip }, async (t) => {
  const { channel, context, done, folder, run } = await workplace(t, `kafka://${addressOf('kafka')}`);
  const topic = await channel('--partitions', '2');
  const group = `cli-${randomUUID()}`;
  for (const partition of ['0', '1']) await done(['produce', topic, '--partition', partition], 'a\nb\n');
  await done(['consume', topic, '--group', group, '-o', 'raw']);
  const standing = async (): Promise<string> =>
    (await done(['offsets', 'export', group])).stdout.toString().trim().split('\n').sort().join(' ');
  const before = `${topic},0,2 ${topic},1,2`;
  assert.equal(await standing(), before);

  await t.test('what is wrong is named exactly, and it stays where it was', async () => {
    const here = ['--channel', topic];
    const to = (position: string, ...words: readonly string[]) => [
      ...['offsets', 'reset', group, '--to', position, '--yes'],
      ...words,
    ];
    const file = ['offsets', 'import', group, '--yes'];
    const wrong: readonly [readonly string[], number, RegExp, string?][] = [
      [['offsets', 'reset', `${group}-x`, '--to', 'start', ...here, '--yes'], 1, /no group "cli-[^"]+-x"/],
      [['lag', `${group}-x`], 1, /no group "cli-[^"]+-x"/],
      [['groups', 'delete', `${group}-x`, '--yes'], 1, /no group "cli-[^"]+-x"/],
      [to('start', '--channel', `${topic}-x`), 1, /no topic "cli-[^"]+-x"/],
      [to('start', ...here, '--partition', '7'), 1, /no partition "7"/],
      [to('@+1h', ...here), 2, /lies in the future/],
      [to('99', ...here), 2, /no such offset: 99 in cli-[^ ]+:0, which has 0 to 2; 99 in cli-[^ ]+:1/],
      [to('start', ...here, ...here), 2, /the channel "cli-[^"]+" is named twice: the scopes overlap/],
      [to('0:1', ...here, '--partition', '0'), 2, /--partition and positions by partition overlap/],
      [file, 2, /stdin, line 2: 2 fields in/, `${topic},0,1\n${topic},0\n`],
      [file, 2, /stdin, line 2: cli-\S+:0 is named in line 1 already/, `${topic},0,1\n${topic},0,2\n`],
      [file, 2, /no such offset: 99 in cli-\S+:1, which has 0 to 2/, `${topic},0,1\n${topic},1,99\n`],
      [file, 1, /no partition "7"/, `${topic},0,1\n${topic},7,1\n`],
    ];
    for (const [words, code, message, input] of wrong) {
      const result = await run(words, input);
      assert.equal(result.code, code, `${words.join(' ')}: ${result.stderr}`);
      assert.match(result.stderr, message, words.join(' '));
    }
    assert.equal(await standing(), before);
  });

  await t.test('it is not deleted while it has members, and they are listed', async () => {
    const member = startMqctl(['consume', topic, '--group', group, '--follow', '-c', context], { folder });
    t.after(() => member.kill('SIGKILL'));
    const gone = ended(member);
    const members = async (): Promise<readonly { readonly id: string }[]> => {
      const { stdout } = await done(['groups', 'describe', group, '-o', 'json']);
      return (JSON.parse(stdout.toString()) as { memberList: { id: string }[] }).memberList;
    };
    await eventually(async () => assert.equal((await members()).length, 1), 60_000);
    const [{ id } = { id: '' }] = await members();
    const refused = await run(['groups', 'delete', group, '--yes']);
    assert.equal(refused.code, 1, refused.stderr);
    assert.match(refused.stderr, /the group "cli-[^"]+" has members, so it cannot be deleted/);
    assert.ok(id !== '' && refused.stderr.includes(id), refused.stderr);
    member.kill('SIGINT');
    assert.equal((await gone).code, 130);
    await eventually(async () => assert.equal((await members()).length, 0), 60_000);
    assert.equal(await standing(), before);
  });

  await t.test('it is deleted when that is agreed to, after the plan is shown', async () => {
    const plan = /the classic group "cli-[^"]+" at .*: 2 positions in cli-/;
    const shown = await done(['groups', 'delete', group, '--dry-run']);
    assert.match(shown.stderr, new RegExp(`would delete ${plan.source}`));
    const unasked = await run(['groups', 'delete', group]);
    assert.equal(unasked.code, 2);
    assert.match(unasked.stderr, new RegExp(`deletes ${plan.source}`));
    assert.equal(await standing(), before);
    const deleted = await done(['groups', 'delete', group, '--yes', '-o', 'json']);
    assert.deepEqual(JSON.parse(deleted.stdout.toString()), {
      group,
      deleted: true,
      positions: 2,
      reason: null,
    });
    const after = await run(['offsets', 'show', group]);
    assert.equal(after.code, 1);
    assert.match(after.stderr, /no group "cli-/);
    assert.doesNotMatch((await done(['groups', 'ls', '-o', 'csv'])).stdout.toString(), new RegExp(group));
  });
});

test('a live KIP-848 and a live share group are neither deleted nor reset, and stay', { skip }, async (t) => {
  const address = addressOf('kafka');
  const { channel, run, done } = await workplace(t, `kafka://${address}`);
  const topic = await channel('--partitions', '1');
  for (const kind of ['consumer', 'share'] as const) {
    const group = `live-${kind}-${randomUUID()}`;
    const consumer = await startConsoleConsumer(kind, address, group, topic);
    try {
      const members = async (): Promise<string> =>
        (await done(['groups', 'describe', group, '-o', 'json'])).stdout.toString();
      await eventually(async () => assert.match(await members(), new RegExp(`"channel":"${topic}"`)), 60_000);
      const before = await members();
      for (const words of [
        ['groups', 'delete', group, '--yes'],
        ['offsets', 'reset', group, '--channel', topic, '--to', 'start', '--yes'],
        ['replay', topic, '--group', group, '--from', 'start', '--yes'],
      ]) {
        const { code, stderr } = await run(words);
        assert.equal(code, 1, `${words.join(' ')}: ${stderr}`);
        assert.match(stderr, /member/);
      }
      assert.equal(await members(), before);
    } finally {
      await consumer.stop();
    }
    await eventually(async () => {
      await done(['groups', 'delete', group, '--yes']);
    }, 60_000);
  }
});
