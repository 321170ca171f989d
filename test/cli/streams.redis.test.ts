import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { addressOf, without } from '../brokers/needs.ts';
import { eventually } from '../contract/suite/workbench.ts';
import { offered } from './completion.ts';
import { isObject } from './random-records.ts';
import { mqctl } from './run-mqctl.ts';
import { workplace } from './workplace.ts';

const skip = without('redis');

test(
  'a group taken from is as it was but for what was written out; its position is exported, moved and imported again',
  { skip },
  async (t) => {
    const { channel, done } = await workplace(t, addressOf('redis'));
    const stream = await channel();
    const group = `cli-${randomUUID()}`;
    const lines = Array.from({ length: 10 }, (_, index) => `line ${String(index)}`);
    await done(['produce', stream], lines.join('\n'));
    const taken = await done([
      'consume',
      stream,
      '--group',
      group,
      '--from',
      'start',
      '--limit',
      '4',
      '-o',
      'value',
    ]);
    assert.equal(taken.stdout.toString(), `${lines.slice(0, 4).join('\n')}\n`);
    const assertLag = async (lag: number): Promise<void> => {
      const { stdout } = await done(['lag', group, '-o', 'json']);
      assert.partialDeepStrictEqual(JSON.parse(stdout.toString()), { groups: [{ lag, inFlight: 0 }] });
    };
    await assertLag(6); // what was read ahead was given back
    const exported = (await done(['offsets', 'export', group])).stdout;
    await done(['offsets', 'reset', group, '--all-channels', '--to', 'start', '--yes']);
    await assertLag(10);
    await done(['offsets', 'import', group, '--yes'], exported);
    const rest = await done(['consume', stream, '--group', group, '-o', 'value']);
    assert.equal(rest.stdout.toString(), `${lines.slice(4).join('\n')}\n`);
  },
);

test('names of streams of a Redis', { skip }, async (t) => {
  const { folder, context, channel } = await workplace(t, addressOf('redis'));
  const stream = await channel();
  // It gives up after 300 ms, so on a busy machine it may offer nothing the first time.
  await eventually(async () =>
    assert.deepEqual(await offered(['consume', '-c', context, stream.slice(0, 20)], folder), [stream]),
  );
});

test(
  'a stream is published again to an archive and back, byte for byte; onto itself only with --yes',
  { skip },
  async (t) => {
    const { channel, done, run, context, folder } = await workplace(t, addressOf('redis'));
    const [stream, back] = [await channel(), await channel()];
    const lines = [
      {
        value: 'first',
        headers: [
          ['trace', 'abc'],
          ['trace', { base64: '/wA=' }],
        ],
        key: 'k',
      },
      { value: { base64: 'AAEC/w==' }, headers: [['none', null]], key: null },
      { value: null, headers: [], key: { base64: '/w==' } },
    ].map((record) => JSON.stringify(record));
    await done(['produce', stream, '--format', 'ndjson'], lines.join('\n'));
    const shown = async (place: string, words: readonly string[] = []): Promise<unknown[]> =>
      (await done(['consume', place, '-o', 'ndjson', ...words])).stdout
        .toString()
        .trim()
        .split('\n')
        .map((line) => {
          const record: unknown = JSON.parse(line);
          assert.ok(isObject(record));
          const { key, value, headers } = record;
          return { key, value, headers };
        });
    const whole = await shown(stream);
    assert.equal(whole.length, 3);
    const atArchive = async (...words: readonly string[]): Promise<void> => {
      const { code, stderr } = await mqctl([...words, '-c', 'local:archive.db'], { folder });
      assert.equal(code, 0, stderr);
    };
    await atArchive('create', 'kept');
    await done(['replay', stream, '--to', 'kept@local:archive.db', '--yes']);
    await atArchive('replay', 'kept', '--to', `${back}@${context}`, '--yes');
    assert.deepEqual(await shown(back), whole);

    const refused = await run(['replay', stream, '--to', stream]);
    assert.equal(refused.code, 2);
    assert.match(refused.stderr, /onto itself/);
    const { stdout } = await done(['replay', stream, '--to', stream, '--yes', '-o', 'json']);
    assert.partialDeepStrictEqual(JSON.parse(stdout.toString()), {
      selected: 3,
      published: 3,
      state: 'done',
    });
    assert.deepEqual(await shown(stream), [...whole, ...whole]);
  },
);

test(
  'how fast messages come into a stream that no group reads is known from the third look on',
  { skip },
  async (t) => {
    const { run, done, channel } = await workplace(t, addressOf('redis'));
    const stream = await channel();
    const look = async () => {
      await done(['produce', stream, '--value', 'x']);
      return (await run(['check', stream, '--only', 'publish-rate', '-o', 'json'])).stdout.toString();
    };
    assert.match(await look(), /too few earlier looks/);
    let said = await look();
    // Looks that are very near to each other count as one.
    for (let more = 10; more > 0 && !said.includes('messages a second, before'); more--) said = await look();
    assert.match(said, /messages a second, before/);
  },
);
