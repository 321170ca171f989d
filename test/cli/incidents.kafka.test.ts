/** Incidents of the field, provoked on a real Kafka and found by their command, which is quiet where all is well. */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { addressOf, without } from '../brokers/needs.ts';
import { causesOf, deadLetterLines, poison } from './incidents.ts';
import { workplace } from './workplace.ts';

const skip = without('kafka');

test('a poison message among dead letters is a cause of its own, with its sample', { skip }, async (t) => {
  const place = await workplace(t, `kafka://${addressOf('kafka')}`);
  const { channel, done } = place;
  const dead = await channel();
  await done(['produce', dead, '--format', 'ndjson'], deadLetterLines);
  const [slow, broken, ...others] = await causesOf(place, dead);
  assert.deepEqual(others, []);
  assert.deepEqual(
    [slow?.count, slow?.class, slow?.message],
    [2, 'com.acme.SlowAnswer', 'timed out after <number> ms'],
  );
  assert.deepEqual([broken?.count, broken?.class], [1, 'com.acme.JsonError']);
  assert.match(broken?.sample ?? '', /0:1$/);
  const inspect = ['dlq', 'inspect', dead, '--cause', broken?.cause ?? '', '-o', 'value'];
  assert.equal((await done(inspect)).stdout.toString(), `${poison}\n`);

  const healthy = await done(['dlq', 'groups', await channel()]);
  assert.match(healthy.stderr, /no dead letter in "cli-/);
});

test(
  'a poison message is refused by --validate before anything is sent; what is sound is sent',
  { skip },
  async (t) => {
    const { channel, done, folder, run } = await workplace(t, `kafka://${addressOf('kafka')}`);
    const topic = await channel();
    await writeFile(
      join(folder, 'order.avsc'),
      JSON.stringify({ type: 'record', name: 'Order', fields: [{ name: 'total', type: 'int' }] }),
    );
    const words = ['produce', topic, '--validate', '--value-schema', 'order.avsc'];
    const there = async () =>
      (await done(['consume', topic, '-o', 'ndjson'])).stdout.toString().split('\n').filter(Boolean).length;
    const refused = await run(words, '{"total":1}\n{"total":"seven"}\n{"total":2}\n');
    assert.equal(refused.code, 2, refused.stderr);
    assert.match(refused.stderr, /line 2: .*value at \/total/);
    const unparsed = await run(words, `{"total":1}\n${poison}\n`);
    assert.equal(unparsed.code, 2, unparsed.stderr);
    assert.match(unparsed.stderr, /line 2/);
    assert.equal(await there(), 0);
    await done(words, '{"total":1}\n{"total":2}\n');
    assert.equal(await there(), 2);
  },
);
