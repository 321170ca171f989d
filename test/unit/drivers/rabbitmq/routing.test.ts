import assert from 'node:assert/strict';
import { test } from 'node:test';
import fc from 'fast-check';
import { parseBindings, topicMatches } from '../../../../src/lib/drivers/rabbitmq/routing.ts';
import { bindings } from './management-answers.ts';

test('bindings keep source, key and arguments', () => {
  assert.deepEqual(parseBindings(bindings)[1], {
    source: 'dlx',
    destination: 'orders.dead',
    destinationType: 'queue',
    routingKey: 'orders.#',
    arguments: { a: 1 },
  });
  assert.deepEqual(parseBindings({ error: 'Object Not Found' }), []);
});

test('a topic pattern matches words: * is one, # any number', () => {
  for (const [pattern, key] of [
    ['orders.#', 'orders'],
    ['orders.#', 'orders.eu.new'],
    ['#', ''],
    ['#', 'a.b'],
    ['*.new', 'orders.new'],
    ['a.#.z', 'a.z'],
    ['a.#.z', 'a.b.c.z'],
    ['#.b.#', 'a.b.c'],
  ] as const)
    assert.ok(topicMatches(pattern, key), `${pattern} ${key}`);
  for (const [pattern, key] of [
    ['*', 'a.b'],
    ['*.new', 'new'],
    ['orders.*', 'orders'],
    ['a.#.z', 'a.b'],
    ['orders', 'orders.eu'],
  ] as const)
    assert.ok(!topicMatches(pattern, key), `${pattern} ${key}`);
});

test('a topic pattern without wildcards matches itself alone', () => {
  const key = fc.array(fc.stringMatching(/^[a-z]{0,3}$/), { minLength: 1 }).map((words) => words.join('.'));
  fc.assert(
    fc.property(key, key, (pattern, other) => {
      assert.equal(topicMatches(pattern, other), pattern === other);
    }),
  );
});

test('a topic pattern of many # stays fast', () => {
  assert.ok(!topicMatches(`${'#.a.'.repeat(40)}z`, 'a.'.repeat(2000)));
});
