/** Offsets that consumers of RabbitMQ's streams store, as somebody on call meets them. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { readByName, storeSettled } from '../contract/rabbitmq/stream-clients.ts';
import { addressOf, without } from '../brokers/needs.ts';
import { rabbitmqWorkplace } from './rabbitmq-workplace.ts';
import { workplace } from './workplace.ts';

const skip = without('rabbitmq');
const ten = Array.from({ length: 10 }, (_, index) => `message ${index.toString()}\n`).join('');

test(
  'a stored offset of a stream is shown, moved, refused while it is read, and put back',
  { skip },
  async (t) => {
    const { channel, done, run, folder } = await rabbitmqWorkplace(t);
    const stream = await channel('--type', 'stream');
    const group = `reader-${randomUUID()}`;
    await done(['produce', stream], ten);
    await storeSettled(stream, group, 4);
    const stands = async (): Promise<string> =>
      (await done(['offsets', 'export', group])).stdout.toString().trim();
    assert.equal(await stands(), `${stream},,4`);

    const lag = (await done(['lag', group, '-o', 'json'])).stdout.toString();
    assert.match(lag, /"kind":"stream".*"lag":6,.*"timeLagMs":[1-9]\d*,.*"members":0,.*"clock":"append"/);
    assert.match((await done(['groups', 'ls', '--match', group])).stdout.toString(), new RegExp(group));

    const reset = ['offsets', 'reset', group, '--channel', stream];
    const plan = await done([...reset, '--to', 'end']);
    assert.match(plan.stdout.toString(), /4\s+10\s+6 skipped/);
    assert.equal(await stands(), `${stream},,4`, 'a plan changes nothing');

    const leave = await readByName(stream, group);
    t.after(leave);
    const active = await run([...reset, '--to', 'end', '--yes']);
    assert.equal(active.code, 1, active.stderr);
    assert.match(active.stderr, new RegExp(`holds ${stream}`));
    assert.equal(await stands(), `${stream},,4`, 'what is refused changes nothing');
    await leave();
    const other = `${group}-other`;
    await storeSettled(stream, other, 7);

    await done([...reset, '--to', `group:${other}`, '--yes']);
    assert.equal(await stands(), `${stream},,7`);
    await done(['replay', stream, '--group', group, '--from', 'start', '--yes']);
    assert.equal(await stands(), `${stream},,0`, 'nothing processed');
    await done(['offsets', 'undo', group, '--yes']);
    await done(['offsets', 'undo', group, '--yes']);
    assert.equal(await stands(), `${stream},,4`);

    const csv = join(folder, 'offsets.csv');
    await writeFile(csv, `${stream},,9\n`);
    await done(['offsets', 'import', group, '--file', csv, '--yes']);
    assert.equal(await stands(), `${stream},,9`);
  },
);

test('what stores no offset is named', { skip }, async (t) => {
  const { channel, done, run } = await rabbitmqWorkplace(t);
  const stream = await channel('--type', 'stream');
  const queue = await channel();
  await done(['produce', stream], ten);
  for (const [words, code, message] of [
    [['offsets', 'show', 'nobody', '--channel', stream], 1, /no group "nobody"/],
    [['offsets', 'reset', 'nobody', '--channel', stream, '--to', 'end', '--yes'], 1, /no group "nobody"/],
    [['offsets', 'reset', queue, '--channel', queue, '--to', 'end', '--yes'], 5, /a queue forgets/],
    [['offsets', 'show', queue], 5, /a queue forgets/],
    [['groups', 'delete', 'nobody', '--yes'], 5, /goes when the stream has passed it/],
  ] as const) {
    const { code: exit, stderr } = await run([...words]);
    assert.equal(exit, code, `${words.join(' ')}: ${stderr}`);
    assert.match(stderr, message);
  }
});

test(
  'without the management API a stream that is named is told of, and each look ends',
  { skip },
  async (t) => {
    const streamPort = (process.env['MQCTL_TEST_RABBITMQ_STREAM'] ?? '').split(':').at(-1) ?? '';
    const { channel, done, run } = await workplace(t, `${addressOf('rabbitmq')}?streamPort=${streamPort}`);
    const stream = await channel('--type', 'stream');
    const group = `reader-${randomUUID()}`;
    await done(['produce', stream], ten);
    await storeSettled(stream, group, 4);
    const unnamed = await run(['offsets', 'show', group]);
    assert.equal(unnamed.code, 1, unnamed.stderr);
    assert.match(unnamed.stderr, /or name the stream: --channel STREAM/);
    assert.match((await done(['offsets', 'export', group, '--channel', stream])).stdout.toString(), /,,4/);
    // A connection that nobody closes would keep the program from ending.
    assert.match((await done(['lag', group, '--channel', stream])).stdout.toString(), /≤ 6/);
  },
);
