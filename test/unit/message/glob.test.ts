import assert from 'node:assert/strict';
import { test } from 'node:test';
import { globMatches } from '../../../src/lib/message/glob.ts';

test('a glob matches whole names, with any run for * and any one character for ?', () => {
  for (const [pattern, name] of [
    ['orders', 'orders'],
    ['orders.*', 'orders.dead'],
    ['*', ''],
    ['*.dead', 'a.dead.b.dead'],
    ['o?ders', 'o😀ders'],
    ['a*b*c', 'a/b.c/bc'],
    ['[x].+', '[x].+'],
  ] as const)
    assert.ok(globMatches(pattern, name), `${pattern} ${name}`);
  for (const [pattern, name] of [
    ['orders', 'orders2'],
    ['orders.*', 'orders'],
    ['?', ''],
    ['a*b', 'a*bc'],
    ['', 'a'],
  ] as const)
    assert.ok(!globMatches(pattern, name), `${pattern} ${name}`);
});

test('no pattern matches every name', () => {
  assert.ok(globMatches(null, 'anything'));
});

test('a pattern of many stars stays fast', () => {
  assert.ok(!globMatches(`${'*a'.repeat(60)}b`, 'a'.repeat(5000)));
});
