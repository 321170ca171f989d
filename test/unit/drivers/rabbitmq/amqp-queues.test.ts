import assert from 'node:assert/strict';
import { test } from 'node:test';
import { AmqpQueues } from '../../../../src/lib/drivers/rabbitmq/amqp-queues.ts';
import type { QueueState } from '../../../../src/lib/drivers/rabbitmq/amqp-queues.ts';
import { NotFoundError } from '../../../../src/lib/errors.ts';

/** A broker without exchanges, and with this queue or none. */
class Answering extends AmqpQueues {
  readonly #state: QueueState | null;

  constructor(state: QueueState | null) {
    super({ openChannel: () => Promise.reject(new Error('nothing is asked')), timeoutMs: 1_000 });
    this.#state = state;
  }

  override check(): Promise<QueueState | null> {
    return Promise.resolve(this.#state);
  }

  override hasExchange(): Promise<boolean> {
    return Promise.resolve(false);
  }
}

const { signal } = new AbortController();

test('a queue that has to be there and is gone is not an empty one', async () => {
  const state = { ready: 0, consumers: 2 };
  assert.deepEqual(await new Answering(state).checked('orders', 'amqp://h', signal), state);
  await assert.rejects(
    new Answering(null).checked('orders', 'amqp://h', signal),
    (error) => error instanceof NotFoundError && error.message === 'no queue "orders" at amqp://h',
  );
});
