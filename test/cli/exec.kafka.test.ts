import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { addressOf, without } from '../brokers/needs.ts';
import { execCases } from './exec.ts';
import { workplace } from './workplace.ts';

const skip = without('kafka');
const context = (): string => `kafka://${addressOf('kafka')}`;

describe('a script as a member of a group of Kafka', () => {
  execCases({
    context,
    // A member that was killed is one for ten seconds more.
    take: (topic) => ['--group', `group-${topic}`, '--join'],
    skip,
  });

  test(
    'a dead letter that would be too large with what the command wrote goes without it',
    { skip },
    async (t) => {
      const shop = await workplace(t, context());
      const topic = await shop.channel();
      const deadLetters = await shop.channel('--setting', 'max.message.bytes=2000');
      await shop.done(['produce', topic], 'x'.repeat(1_000));
      const script = 'seq 1000 >&2; echo "no order 42" >&2; exit 3';
      const exec = ['--exec', script, '--max-attempts', '1', '--dead-letter', deadLetters];
      const { stderr } = await shop.done(['consume', topic, '--group', `group-${topic}`, ...exec]);
      assert.match(stderr, /which had no room for what the command wrote to stderr/);
      const { stdout } = await shop.done(['dlq', 'inspect', deadLetters, '-o', 'ndjson']);
      assert.match(stdout.toString(), /"message":"no order 42"/);
      assert.match(stdout.toString(), new RegExp(`"origin":{"channel":"${topic}"`));
    },
  );
});
