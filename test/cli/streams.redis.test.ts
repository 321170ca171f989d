import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { addressOf, without } from '../brokers/needs.ts';
import { eventually } from '../contract/suite/workbench.ts';
import { offered } from './completion.ts';
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
