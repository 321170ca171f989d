import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { addressOf, without } from '../brokers/needs.ts';
import { deadLetterCase } from './exec.ts';
import { workplace } from './workplace.ts';

const skip = without('sqs');
const context = (): string => `sqs://key:secret@us-east-1?endpoint=${addressOf('sqs')}`;

describe('a script as a consumer of a queue of SQS', () => {
  deadLetterCase({ context, take: () => ['--ack'], skip });

  test(
    'a message that has all the attributes there can be is a dead letter that cannot say why',
    { skip },
    async (t) => {
      const shop = await workplace(t, context());
      const queue = await shop.channel();
      const deadLetters = await shop.channel();
      const attributes = Array.from({ length: 10 }, (_, at) => ['--header', `a${at.toString()}=b`]).flat();
      await shop.done(['produce', queue, ...attributes], 'full');
      const exec = ['--exec', 'exit 3', '--max-attempts', '1', '--dead-letter', deadLetters];
      const { stderr } = await shop.done(['consume', queue, '--ack', ...exec]);
      assert.match(stderr, /moved to the dead letters, which had no room for why it died and where it lay/);
      const { stdout } = await shop.done(['consume', deadLetters, '--ack', '-o', 'value']);
      assert.equal(stdout.toString(), 'full\n');
    },
  );
});
