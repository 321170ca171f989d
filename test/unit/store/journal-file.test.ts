import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { appendFile, mkdtemp, readFile, rm, stat, truncate, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';
import { promisify } from 'node:util';

import fc from 'fast-check';

import { FailedError } from '../../../src/lib/errors.ts';
import { crc32c } from '../../../src/lib/store/crc32c.ts';
import {
  JournalFile,
  readJournal,
  readLastLine,
  type JournalKind,
} from '../../../src/lib/store/journal-file.ts';

const run = promisify(execFile);
const kind: JournalKind = { name: 'journal', version: 1 };

async function folder(context: TestContext): Promise<string> {
  const path = await mkdtemp(join(tmpdir(), 'mqctl-journal-'));
  context.after(() => rm(path, { recursive: true, force: true }));
  return path;
}

async function written(context: TestContext, texts: readonly string[]): Promise<string> {
  const path = join(await folder(context), 'journal');
  const journal = await JournalFile.create(path, kind);
  for (const text of texts) journal.append(text);
  await journal.sync();
  await journal.close();
  return path;
}

async function linesOf(path: string): Promise<string[]> {
  const lines: string[] = [];
  for await (const piece of readJournal(path, kind)) lines.push(...piece.map(({ text }) => text));
  return lines;
}

const refusal = (code: string, words: RegExp) => (error: unknown) =>
  error instanceof FailedError && error.code === code && words.test(error.message);

test('CRC-32C gives the values of RFC 3720', () => {
  assert.equal(crc32c(Buffer.alloc(32)), 0x8a9136aa);
  assert.equal(crc32c(Buffer.alloc(32, 0xff)), 0x62a8ab43);
  assert.equal(crc32c(Buffer.from('123456789')), 0xe3069283);
});

test('what was appended is read back, in order, whatever the text', async (context) => {
  const texts = fc.array(
    fc.string({ unit: 'binary' }).map((text) => text.replaceAll('\n', ' ').toWellFormed()),
  );
  await fc.assert(
    fc.asyncProperty(texts, async (expected) => {
      assert.deepEqual(await linesOf(await written(context, expected)), expected);
    }),
    { numRuns: 30 },
  );
});

test('many lines over many chunks come back', async (context) => {
  const expected = Array.from(
    { length: 20_000 },
    (_, index) => `line ${index.toString()} ${'x'.repeat(index % 50)}`,
  );
  assert.deepEqual(await linesOf(await written(context, expected)), expected);
});

test('only the owner may read it', { skip: process.platform === 'win32' }, async (context) => {
  const { mode } = await stat(await written(context, []));
  assert.equal(mode & 0o777, 0o600);
});

test('a file that is there is not overwritten', async (context) => {
  const path = await written(context, ['one']);
  await assert.rejects(JournalFile.create(path, kind), refusal('EXISTS', /could not create/));
});

test('wherever the last line is torn, what was before is kept and one can go on', async (context) => {
  const path = await written(context, ['one', 'two']);
  const whole = await readFile(path);
  const lastStart = whole.lastIndexOf('\n', whole.length - 2) + 1;
  for (let length = lastStart; length <= whole.length; length += 1) {
    await writeFile(path, whole);
    await truncate(path, length);
    // Without its line end only, the line is whole.
    const kept = length >= whole.length - 1 ? ['one', 'two'] : ['one'];
    const seen: string[] = [];
    const journal = await JournalFile.reopen(path, kind, ({ text }) => seen.push(text));
    assert.deepEqual(seen, kept);
    journal.append('three');
    await journal.close();
    assert.deepEqual(await linesOf(path), [...kept, 'three']);
  }
});

test('a changed byte anywhere before the end is refused with its line', async (context) => {
  const path = await written(context, ['one', 'two', 'three']);
  const whole = await readFile(path);
  for (let at = 0; at < whole.length - 1; at += 1) {
    const changed = Buffer.from(whole);
    changed[at] = (changed[at] ?? 0) ^ 0x01;
    await writeFile(path, changed);
    // Where a line end is changed, two lines become one: the first of them is named.
    const line = whole.subarray(0, at).toString().split('\n').length;
    await assert.rejects(linesOf(path), refusal('DAMAGED', new RegExp(`line ${line.toString()}:`)));
    await assert.rejects(
      JournalFile.reopen(path, kind, () => undefined),
      refusal('DAMAGED', /damaged/),
    );
    assert.deepEqual(await readFile(path), changed, 'a damaged file is left as it is');
  }
});

test('the last line is read alone, however much lies before it, and is refused where it is not whole', async (context) => {
  const path = await written(context, [
    ...Array.from({ length: 20_000 }, (_, at) => `line ${at.toString()} ${'x'.repeat(60)}`),
    'the last',
  ]);
  assert.equal(await readLastLine(path), 'the last');
  const whole = await readFile(path);
  await writeFile(path, whole.subarray(0, -1));
  assert.equal(await readLastLine(path), 'the last', 'only its end is missing');
  await writeFile(path, whole.subarray(0, -3));
  assert.match(await readLastLine(path), /^line 19999 x+$/, 'cut off in its middle, it does not count');
  const changed = Buffer.from(whole);
  changed[changed.length - 3] = (changed.at(-3) ?? 0) ^ 1;
  await writeFile(path, changed);
  await assert.rejects(readLastLine(path), refusal('DAMAGED', /damaged in its last line/));
  await writeFile(path, '');
  await assert.rejects(readLastLine(path), refusal('DAMAGED', /last line/));
  await assert.rejects(readLastLine(`${path}-missing`), refusal('NOT_FOUND', /could not read/));
});

test('a newer version and another kind are refused', async (context) => {
  const path = join(await folder(context), 'journal');
  await (await JournalFile.create(path, { name: 'journal', version: 2 })).close();
  await assert.rejects(linesOf(path), refusal('NEWER', /newer mqctl/));
  await assert.rejects(
    JournalFile.reopen(path, { name: 'plan', version: 2 }, () => undefined),
    refusal('DAMAGED', /no plan/),
  );
});

test('a file that is none of ours is refused, in bounded memory', async (context) => {
  const path = join(await folder(context), 'journal');
  await writeFile(path, '');
  await assert.rejects(linesOf(path), refusal('DAMAGED', /no journal/));
  await writeFile(path, 'hello\nworld\n');
  await assert.rejects(linesOf(path), refusal('DAMAGED', /line 1/));
  await writeFile(path, Buffer.alloc(1024 * 1024 + 1));
  for (let more = 0; more < 3; more += 1) await appendFile(path, Buffer.alloc(1024 * 1024));
  await assert.rejects(linesOf(path), refusal('DAMAGED', /line 1/));
  await assert.rejects(linesOf(`${path}-missing`), refusal('NOT_FOUND', /could not read/));
});

test('a line break cannot be smuggled in', async (context) => {
  const journal = await JournalFile.create(join(await folder(context), 'journal'), kind);
  assert.throws(() => journal.append('one\ntwo'), FailedError);
  await journal.close();
});

test(
  'after a write that failed nothing more is written, so that the file can be read again',
  {
    skip: process.platform !== 'linux',
  },
  async (context) => {
    const path = join(await folder(context), 'journal');
    // The first lines go to the file; then a process may write no more than so many bytes to any (a full disk).
    const module = join(import.meta.dirname, '../../../src/lib/store/journal-file.ts');
    const script = `const { JournalFile } = await import(${JSON.stringify(module)});
    process.on('SIGXFSZ', () => undefined);
    const journal = await JournalFile.create(${JSON.stringify(path)}, { name: 'journal', version: 1 });
    journal.append('kept');
    await journal.sync();
    const said = [];
    for (const size of [5000, 5, 5]) {
      journal.append('x'.repeat(size));
      await journal.sync().catch((error) => said.push(error.message.replace(/:.*/, '')));
    }
    await journal.close();
    console.log(JSON.stringify(said));`;
    // The limit is for each file of the process: Node's own cache of compiled code must not meet it.
    const env = { ...process.env, NODE_COMPILE_CACHE: undefined };
    const { stdout } = await run(
      'bash',
      ['-c', 'ulimit -f 1; exec "$0" --input-type=module -e "$1"', process.execPath, script],
      { env },
    );
    assert.deepEqual(JSON.parse(stdout), Array(3).fill(`could not write ${path}`));
    const seen: string[] = [];
    const journal = await JournalFile.reopen(path, kind, ({ text }) => seen.push(text));
    await journal.close();
    assert.deepEqual(seen, ['kept']);
  },
);

test('calls of sync that overlap: each resolves when its lines are in the file', async (context) => {
  const path = join(await folder(context), 'journal');
  const journal = await JournalFile.create(path, kind);
  const ends = Array.from({ length: 50 }, async (_, number) => {
    journal.append(`line ${number.toString()}.`);
    await journal.sync();
    assert.ok((await readFile(path, 'utf8')).includes(` line ${number.toString()}.\n`));
  });
  await Promise.all(ends);
  await journal.close();
  const lines = await linesOf(path);
  assert.equal(lines.length, 50);
});
