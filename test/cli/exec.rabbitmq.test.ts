import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { addressOf, without } from '../brokers/needs.ts';
import { execCases } from './exec.ts';
import { mqctl } from './run-mqctl.ts';
import { workplace } from './workplace.ts';

const skip = without('rabbitmq');

describe('a script as a consumer of a queue of RabbitMQ', () => {
  execCases({ context: () => addressOf('rabbitmq'), take: () => ['--ack'], skip });

  test('it is not told the password', { skip }, async (t) => {
    const shop = await workplace(t, addressOf('rabbitmq'));
    const queue = await shop.channel();
    await shop.done(['produce', queue], 'a');
    const { code, stdout, stderr } = await mqctl(['consume', queue, '--ack', '--exec', 'env'], {
      folder: shop.folder,
      environment: { MQCTL_CONTEXT: addressOf('rabbitmq') },
    });
    assert.equal(code, 0, stderr);
    const { password } = new URL(addressOf('rabbitmq'));
    assert.match(stdout.toString(), /MQCTL_CHANNEL=/);
    assert.ok(!stdout.toString().includes(`:${password}@`));
  });
});
