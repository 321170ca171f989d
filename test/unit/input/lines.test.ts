import assert from 'node:assert/strict';
import test from 'node:test';

import fc from 'fast-check';

import { UsageError } from '../../../src/lib/errors.ts';
import { readLines } from '../../../src/lib/input/lines.ts';

async function* cut(bytes: Uint8Array, size: number) {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

async function linesOf(text: string | Uint8Array, size = 3, limit?: number): Promise<string[]> {
  const found: string[] = [];
  for await (const lines of readLines(cut(Buffer.from(text), size), limit))
    for (const { bytes } of lines) found.push(Buffer.from(bytes).toString('latin1'));
  return found;
}

const cases: readonly (readonly [string, string[]])[] = [
  ['', []],
  ['a', ['a']],
  ['a\n', ['a']],
  ['a\nb', ['a', 'b']],
  ['a\r\nb\r\n', ['a', 'b']],
  ['a\rb\n', ['a\rb']],
  ['a\r', ['a\r']],
  ['\n\na\n\n', ['', '', 'a', '']],
];

for (const [text, expected] of cases) {
  test(`${JSON.stringify(text)} has ${expected.length} lines, however it is cut`, async () => {
    for (const size of [1, 2, 3, 100]) assert.deepEqual(await linesOf(text, size), expected);
  });
}

test('bytes come out as they went in', async () => {
  const line = fc
    .uint8Array({ maxLength: 30 })
    .map((bytes) => bytes.filter((byte) => byte !== 0x0a && byte !== 0x0d));
  await fc.assert(
    fc.asyncProperty(
      fc.array(line, { maxLength: 10 }),
      fc.integer({ min: 1, max: 20 }),
      async (lines, size) => {
        const file = Buffer.concat(lines.flatMap((bytes) => [bytes, Buffer.from('\n')]));
        assert.deepEqual(
          await linesOf(file, size),
          lines.map((bytes) => Buffer.from(bytes).toString('latin1')),
        );
      },
    ),
  );
});

test('a line over the limit is an error that names it', async () => {
  for (const text of ['ab\nabcdef\n', 'ab\nabcdef'])
    for (const size of [1, 100])
      await assert.rejects(
        linesOf(text, size, 5),
        (error) => error instanceof UsageError && /^line 2 is longer than 5 bytes/.test(error.message),
      );
  assert.deepEqual(await linesOf('abcde\n', 1, 5), ['abcde']);
});

test('lines are numbered from 1', async () => {
  const numbers: number[] = [];
  for await (const lines of readLines(cut(Buffer.from('a\nb\nc'), 2)))
    numbers.push(...lines.map((line) => line.number));
  assert.deepEqual(numbers, [1, 2, 3]);
});
