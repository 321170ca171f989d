import assert from 'node:assert/strict';
import { test } from 'node:test';
import { UsageError } from '../../../../src/lib/errors.ts';
import { parseSettings } from '../../../../src/lib/drivers/rabbitmq/declare-settings.ts';

test('settings get the types that RabbitMQ asks for, with or without their x-', () => {
  const settings = {
    'max-length': '10',
    'x-message-ttl': '60000',
    overflow: 'reject-publish',
    'single-active-consumer': 'true',
  };
  assert.deepEqual(parseSettings('quorum', settings), {
    durable: true,
    autoDelete: false,
    arguments: {
      'x-max-length': 10,
      'x-message-ttl': 60_000,
      'x-overflow': 'reject-publish',
      'x-single-active-consumer': true,
    },
  });
});

test('a classic queue may be transient and delete itself', () => {
  const { durable, autoDelete } = parseSettings('classic', { durable: 'false', 'auto-delete': 'true' });
  assert.deepEqual([durable, autoDelete], [false, true]);
  assert.throws(() => parseSettings('quorum', { durable: 'false' }), UsageError);
});

test('a setting that the type does not know is refused with those it knows', () => {
  assert.throws(
    () => parseSettings('classic', { 'max-age': '7D' }),
    (error) => {
      assert.ok(error instanceof UsageError);
      assert.match(error.hint ?? '', /x-max-length/);
      return true;
    },
  );
});

test('a number that is none and a truth that is none are refused', () => {
  for (const settings of [
    { 'max-length': 'ten' },
    { 'max-length': '' },
    { 'max-length': '1.5' },
    { durable: 'yes' },
  ])
    assert.throws(() => parseSettings('classic', settings), UsageError);
});
