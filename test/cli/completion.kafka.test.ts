import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { addressOf, without } from '../brokers/needs.ts';
import { eventually } from '../contract/suite/workbench.ts';
import { offered } from './completion.ts';
import { workplace } from './workplace.ts';

test('names of topics and groups of a Kafka', { skip: without('kafka') }, async (t) => {
  const { folder, context, channel, done } = await workplace(t, `kafka://${addressOf('kafka')}`);
  const topic = await channel();
  const group = `cli-${randomUUID()}`;
  await done(['produce', topic, '--value', 'x']);
  await done(['consume', topic, '--group', group, '--from', 'start', '--limit', '1', '--for', '30s']);
  // It gives up after 300 ms, so on a busy machine it may offer nothing the first time.
  await eventually(async () =>
    assert.deepEqual(await offered(['consume', '-c', context, topic.slice(0, 20)], folder), [topic]),
  );
  await eventually(async () =>
    assert.deepEqual(await offered(['lag', '-c', context, group.slice(0, 20)], folder), [group]),
  );
});
