import assert from 'node:assert/strict';
import test from 'node:test';

import { Publishers } from '../../../src/lib/dlq/publishers.ts';
import type { Driver, Outcome, Publisher } from '../../../src/lib/drivers/driver.ts';
import { NotFoundError, UnreachableError } from '../../../src/lib/errors.ts';
import { Bench, message, unaborted } from '../drivers/local/bench.ts';
import { changed } from './redrive-bench.ts';

/** Each publisher that is opened answers for good as the list says, the last entry for all that come after. */
function answeringByPublisher(
  driver: Driver,
  answers: readonly Outcome[],
): { driver: Driver; opened: number } {
  const counted = { opened: 0, driver };
  const { publish } = driver;
  assert.ok(publish);
  counted.driver = changed(driver, {
    publish: {
      limits: (channel, signal) => publish.limits(channel, signal),
      open: async (request, signal): Promise<Publisher> => {
        const publisher = await publish.open(request, signal);
        const outcome = answers[Math.min(counted.opened, answers.length - 1)];
        assert.ok(outcome);
        counted.opened += 1;
        return {
          send: async (messages) => messages.map(() => outcome),
          commit: () => publisher.commit(),
          abort: () => publisher.abort(),
          blocked: null,
          close: () => publisher.close(),
        };
      },
    },
  });
  return counted;
}

const accepted: Outcome = { status: 'accepted', partition: null, offset: null, id: null };

for (const lost of [
  { status: 'rejected', reason: 'not sent: the connection was lost', retriable: true },
  { status: 'unknown', reason: 'no confirm came' },
] as const satisfies readonly Outcome[]) {
  test(`a publisher that answered "${lost.status}" may have lost its connection: the next try has another`, async (context) => {
    const { driver } = await Bench.start(context);
    await driver.admin?.create(
      { channel: 'orders', type: null, partitions: null, settings: {}, deadLetter: null },
      unaborted,
    );
    const counted = answeringByPublisher(driver, [lost, accepted]);
    const publishers = new Publishers(counted.driver, unaborted);
    assert.deepEqual(await publishers.send('orders', [message('m1')]), [lost]);
    assert.deepEqual(await publishers.send('orders', [message('m1')]), [accepted]);
    assert.deepEqual(await publishers.send('orders', [message('m2')]), [accepted]);
    assert.equal(counted.opened, 2, 'one that works is kept');
    await publishers.close();
  });
}

test('a destination that cannot be reached says nothing of the messages: they may go later', async (context) => {
  const { driver } = await Bench.start(context);
  const { publish } = driver;
  assert.ok(publish);
  const refusing = (error: Error) =>
    new Publishers(
      changed(driver, {
        publish: {
          limits: (channel, signal) => publish.limits(channel, signal),
          open: () => Promise.reject(error),
        },
      }),
      unaborted,
    );
  const away = refusing(new UnreachableError('the login was refused just now'));
  assert.deepEqual(await away.send('orders', [message('m1')]), [
    { status: 'rejected', reason: 'the login was refused just now', retriable: true },
  ]);
  const gone = refusing(new NotFoundError('channel', 'orders', 'local:'));
  assert.deepEqual(await gone.send('orders', [message('m1')]), [
    { status: 'rejected', reason: 'no channel "orders" at local:', retriable: false },
  ]);
});
