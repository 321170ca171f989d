import assert from 'node:assert/strict';
import { test } from 'node:test';
import { murmur2, Partitioner } from '../../../../src/lib/drivers/kafka/partitioner.ts';

test('hashes as the Java client does (UtilsTest.testMurmur2)', () => {
  const cases: readonly (readonly [string, number])[] = [
    ['21', -973932308],
    ['foobar', -790332482],
    ['a-little-bit-long-string', -985981536],
    ['a-little-bit-longer-string', -1486304829],
    ['lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8', -58897971],
    ['abc', 479470107],
  ];
  for (const [text, hash] of cases) assert.equal(murmur2(Buffer.from(text)), hash, text);
});

test('a key has one partition, whichever partitions have a leader', () => {
  // As a Java producer 4.3.1 spread them over seven partitions.
  const byJava = {
    k0: 2,
    k1: 0,
    k2: 2,
    k3: 4,
    k4: 2,
    k5: 3,
    k6: 2,
    k7: 3,
    k8: 5,
    k9: 0,
    k10: 5,
    k11: 3,
    kabc: 1,
    kschlüssel: 3,
  };
  const all = [0, 1, 2, 3, 4, 5, 6];
  for (const [key, partition] of Object.entries(byJava)) {
    assert.equal(new Partitioner().choose(Buffer.from(key), 10, all, [6]), partition, key);
  }
});

test('without a key a partition is kept until a batch is full, then it is another one with a leader', () => {
  const partitioner = new Partitioner();
  const chosen = Array.from({ length: 300 }, () => partitioner.choose(null, 1024, [0, 1, 2, 3], [1, 3]));
  assert.deepEqual(new Set(chosen), new Set([1, 3]));
  assert.equal(new Set(chosen.slice(0, 64)).size, 1);
  assert.notEqual(chosen[0], chosen[64]);
});
