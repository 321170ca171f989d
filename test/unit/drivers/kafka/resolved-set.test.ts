import assert from 'node:assert/strict';
import { test } from 'node:test';
import { deflateRawSync } from 'node:zlib';
import fc from 'fast-check';
import { blockOffsets, ResolvedSet } from '../../../../src/lib/drivers/kafka/resolved-set.ts';

const ranges = fc.array(
  fc
    .tuple(fc.nat({ max: 300 }), fc.nat({ max: 20 }))
    .map(([first, length]) => [first, first + length] as const),
  { maxLength: 40 },
);

function built(watermark: number, added: readonly (readonly [number, number])[]) {
  const set = new ResolvedSet(watermark);
  const model = new Set(Array.from({ length: watermark }, (_, offset) => offset));
  for (const [first, last] of added) {
    set.addRange(first, last);
    for (let offset = first; offset <= last; offset += 1) model.add(offset);
  }
  return { set, model };
}

test('has exactly what was added, and the watermark is the lowest that was not', () => {
  fc.assert(
    fc.property(fc.nat({ max: 50 }), ranges, (watermark, added) => {
      const { set, model } = built(watermark, added);
      for (let offset = 0; offset < 340; offset += 1)
        assert.equal(set.has(offset), model.has(offset), String(offset));
      let lowest = 0;
      while (model.has(lowest)) lowest += 1;
      assert.equal(set.watermark, lowest);
      assert.equal(set.size, [...model].filter((offset) => offset > lowest).length);
    }),
  );
});

test('counts what is missing between two offsets', () => {
  fc.assert(
    fc.property(
      fc.nat({ max: 50 }),
      ranges,
      fc.nat({ max: 340 }),
      fc.nat({ max: 340 }),
      (watermark, added, start, end) => {
        const { set, model } = built(watermark, added);
        let missing = 0;
        for (let offset = start; offset < end; offset += 1) if (!model.has(offset)) missing += 1;
        assert.equal(set.missingBetween(start, end), missing);
      },
    ),
  );
});

test('what is written into metadata is read again, with its expiry', () => {
  fc.assert(
    fc.property(fc.nat({ max: 50 }), ranges, fc.option(fc.nat()), (watermark, added, expiresAt) => {
      const { set } = built(watermark, added);
      const metadata = set.encode(expiresAt);
      if (metadata === null) return;
      const read = ResolvedSet.decode(set.watermark, metadata);
      assert.ok(read !== null);
      assert.equal(read.expiresAt, expiresAt);
      assert.equal(read.set.watermark, set.watermark);
      for (let offset = 0; offset < 340; offset += 1) assert.equal(read.set.has(offset), set.has(offset));
    }),
  );
});

test('offsets beyond 32 bits are kept', () => {
  const set = new ResolvedSet(2 ** 40);
  set.add(2 ** 40 + 5);
  set.add(2 ** 50);
  const read = ResolvedSet.decode(2 ** 40, set.encode(null));
  assert.ok(read?.set.has(2 ** 50) && read.set.has(2 ** 40 + 5) && !read.set.has(2 ** 40));
});

test('every second of thousands fits the metadata of a commit, as does a row of a million', () => {
  const everySecond = new ResolvedSet(0);
  for (let offset = 1; offset < 100_000; offset += 2) everySecond.add(offset);
  assert.ok((everySecond.encode(null)?.length ?? 0) < 4096);
  const row = new ResolvedSet(0);
  row.addRange(10, 1_000_010);
  assert.ok((row.encode(null)?.length ?? 0) < 50);
});

test('nothing above the watermark needs no metadata', () => {
  assert.equal(new ResolvedSet(5).encode(null), null);
});

test("somebody else's metadata is not ours, damaged metadata of ours is refused", () => {
  assert.equal(ResolvedSet.decode(3, 'consumer-7'), null);
  assert.equal(ResolvedSet.decode(3, null), null);
  assert.throws(() => ResolvedSet.decode(3, '1r..AAAA'), RangeError);
});

test('a few bytes of metadata that claim more offsets than a topic holds are refused', () => {
  const claim = new ResolvedSet(0);
  for (let first = 1; first < 100; first += 2) claim.add(first * 2 ** 40);
  const metadata = claim.encode(null) ?? '';
  assert.ok(ResolvedSet.decode(0, metadata) !== null);
  const wide = deflateRawSync(Buffer.from([1, 0xff, 0xff, 0xff, 0xff, 0xff, 0x7f])).toString('base64');
  assert.throws(() => ResolvedSet.decode(0, `1r..${wide}`), RangeError);
});

test('metadata that somebody made up is read or refused, in bounded time', () => {
  fc.assert(
    fc.property(fc.constantFrom('r', 'b'), fc.base64String({ maxLength: 200 }), (form, text) => {
      try {
        ResolvedSet.decode(3, `1${form}..${text}`);
      } catch (error) {
        assert.ok(error instanceof RangeError);
      }
    }),
  );
});

test('its blocks that changed, put together with the watermark, are the set', () => {
  const wide = fc.array(
    fc
      .tuple(fc.nat({ max: 60_000 }), fc.nat({ max: 9_000 }))
      .map(([first, length]) => [first, first + length] as const),
    { maxLength: 12 },
  );
  fc.assert(
    fc.property(fc.nat({ max: 10_000 }), wide, wide, (watermark, before, after) => {
      const set = new ResolvedSet(watermark);
      const kept = new ResolvedSet(0);
      const keep = (): void => {
        for (const block of set.takeChanged()) kept.addAll(set.block(block), block * blockOffsets);
        kept.addAll(new ResolvedSet(set.watermark));
      };
      for (const [first, last] of before) set.addRange(first, last);
      keep();
      for (const [first, last] of after) set.addRange(first, last);
      const lost = set.takeChanged();
      set.giveBackChanged(lost);
      keep();
      assert.deepEqual([kept.watermark, kept.encode(null)], [set.watermark, set.encode(null)]);
      assert.deepEqual(set.takeChanged(), []);
    }),
    { numRuns: 60 },
  );
});
