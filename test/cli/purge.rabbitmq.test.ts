import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { once } from 'node:events';
import { test } from 'node:test';
import { addressOf, without } from '../brokers/needs.ts';
import { ended, startMqctl } from './run-mqctl.ts';
import { workplace } from './workplace.ts';

const skip = without('rabbitmq');

const numbered = (count: number): string =>
  Array.from({ length: count }, (_, at) => `message ${at.toString()}\n`).join('');

test(
  'a queue is emptied into an archive, and a message that comes in between is either left or in it',
  { skip },
  async (t) => {
    const place = await workplace(t, addressOf('rabbitmq'));
    const queue = await place.channel('--type', 'quorum');
    await place.done(['produce', queue], numbered(2_000));
    const words = ['dlq', 'purge', queue, '--file', 'a.ndjson', '--yes', '-c', place.context];
    const purging = startMqctl(words, { folder: place.folder });
    purging.stdin?.end();
    const [{ code, stderr }] = await Promise.all([
      ended(purging),
      place.done(['produce', queue, '--rate', '20/s'], numbered(100)),
    ]);
    assert.equal(code, 0, stderr);
    const left = (await place.done(['consume', queue, '--ack', '-o', 'value'])).stdout.toString();
    const back = await place.channel('--type', 'quorum');
    await place.done(['dlq', 'restore', back, '--file', 'a.ndjson', '--yes']);
    const archived = (await place.done(['consume', back, '--ack', '-o', 'value'])).stdout.toString();
    assert.ok(archived.split('\n').length - 1 >= 2_000);
    assert.deepEqual(
      [...left.split('\n'), ...archived.split('\n')].sort(),
      [...numbered(2_000).split('\n'), ...numbered(100).split('\n')].sort(),
    );
  },
);

test(
  'a purge that is killed has lost nothing: what it removed is in the file that it left',
  { skip },
  async (t) => {
    const place = await workplace(t, addressOf('rabbitmq'));
    const queue = await place.channel('--type', 'quorum', '--setting', 'x-delivery-limit=-1');
    await place.done(['produce', queue], numbered(5_000));
    const words = ['purge', queue, '--file', 'a.ndjson.zst', '--yes', '-c', place.context];
    const purging = startMqctl(words, { folder: place.folder });
    purging.stdin?.end();
    const gone = once(purging, 'close');
    const partial = async (): Promise<string | undefined> =>
      (await readdir(place.folder)).find((name) => name.endsWith('.partial'));
    while ((await partial()) === undefined && purging.exitCode === null);
    purging.kill('SIGKILL');
    await gone;
    const file = (await partial()) ?? 'a.ndjson.zst';
    const back = await place.channel('--type', 'quorum');
    const refused = await place.run(['dlq', 'restore', back, '--file', file, '--yes']);
    if (file.endsWith('.partial')) assert.equal(refused.code, 1, refused.stderr);
    await place.done(['dlq', 'restore', back, '--file', join('.', file), '--torn', '--yes']);
    const all = new Set<string>();
    for (const channel of [queue, back]) {
      const { stdout } = await place.done(['consume', channel, '--ack', '-o', 'value']);
      for (const line of stdout.toString().split('\n')) all.add(line);
    }
    assert.deepEqual([...all].sort(), numbered(5_000).split('\n').sort());
  },
);
