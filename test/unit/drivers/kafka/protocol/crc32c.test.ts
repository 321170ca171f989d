import assert from 'node:assert/strict';
import { test } from 'node:test';
import { crc32c } from '../../../../../src/lib/drivers/kafka/protocol/crc32c.ts';

test('gives the checksums of RFC 3720, appendix B.4', () => {
  const up = Uint8Array.from({ length: 32 }, (_, index) => index);
  const checksums = [new Uint8Array(32), new Uint8Array(32).fill(0xff), up, up.toReversed()].map(crc32c);
  assert.deepEqual(checksums, [0x8a9136aa, 0x62a8ab43, 0x46dd794e, 0x113fdb5c]);
});

test('counts the bytes behind the last eight', () => {
  assert.equal(crc32c(Buffer.from('123456789')), 0xe3069283);
  assert.equal(crc32c(new Uint8Array(0)), 0);
});
