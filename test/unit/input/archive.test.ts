import assert from 'node:assert/strict';
import { mkdtemp, readFile, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test, { type TestContext } from 'node:test';

import fc from 'fast-check';

import { MqctlError } from '../../../src/lib/errors.ts';
import { checkArchive, readArchive } from '../../../src/lib/input/archive.ts';
import type { ArchiveCompression } from '../../../src/lib/message/archive-line.ts';
import type { Message } from '../../../src/lib/message/message.ts';
import { recordLine } from '../../../src/lib/message/record.ts';
import { ArchiveFile } from '../../../src/lib/store/archive-file.ts';
import { anyMessage, emptyMessage } from '../message/message-samples.ts';

const about = { channel: 'orders.dlq', target: 'local:shop.db', madeAt: 1_795_000_000_000, redacted: [] };
const whole = { acceptTorn: false };

async function folderOf(context: TestContext): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), 'mqctl-archive-'));
  context.after(() => rm(folder, { recursive: true, force: true }));
  return folder;
}

async function archived(
  folder: string,
  messages: readonly Message[],
  compression: ArchiveCompression | null = null,
): Promise<string> {
  const path = join(folder, `a${(await readdir(folder)).length.toString()}`);
  const file = await ArchiveFile.create(path, compression);
  for (const message of messages) await file.add(message);
  await file.finish(about);
  return path;
}

async function lines(path: string, acceptTorn = false): Promise<string[]> {
  const read: string[] = [];
  for await (const batch of readArchive(path, { acceptTorn }))
    for (const { record } of batch) read.push(recordLine({ ...record, channel: record.channel ?? '' }));
  return read;
}

async function refused(path: string): Promise<MqctlError> {
  try {
    await checkArchive(path, whole, () => undefined);
  } catch (error) {
    assert.ok(error instanceof MqctlError, String(error));
    return error;
  }
  assert.fail('it was accepted');
}

const some = ['a', 'b', 'c', 'd'].map((text) => ({ ...emptyMessage, value: Buffer.from(text) }));

for (const compression of [null, 'gzip', 'zstd'] as const)
  test(`any messages come out of an archive as they went in (${compression ?? 'plain'})`, async (context) => {
    const folder = await folderOf(context);
    await fc.assert(
      fc.asyncProperty(fc.array(anyMessage, { maxLength: 6 }), async (messages) => {
        const path = await archived(folder, messages, compression);
        assert.deepEqual(
          await lines(path),
          messages.map((message) => recordLine(message)),
        );
        const { manifest } = await checkArchive(path, whole, () => undefined);
        assert.equal(manifest?.messages, messages.length);
      }),
      { numRuns: 20 },
    );
  });

test('a file of the right name is a whole one, nothing is overwritten, and it is for its owner alone', async (context) => {
  const folder = await folderOf(context);
  const path = join(folder, 'a.ndjson');
  const file = await ArchiveFile.create(path, null);
  await file.add(emptyMessage);
  await file.sync();
  assert.deepEqual(await readdir(folder), [`a.ndjson.${process.pid.toString()}.partial`]);
  await file.finish(about);
  assert.deepEqual(await readdir(folder), ['a.ndjson']);
  await assert.rejects(ArchiveFile.create(path, null), /is there already/);
  const other = await ArchiveFile.create(join(folder, 'b'), 'zstd');
  await other.add(emptyMessage);
  await other.discard();
  assert.deepEqual(await readdir(folder), ['a.ndjson']);
});

test('any changed byte is found, with its line, or what it breaks is', async (context) => {
  const folder = await folderOf(context);
  const bytes = await readFile(await archived(folder, some));
  const path = join(folder, 'changed');
  for (let at = 0; at < bytes.length; at += 7) {
    const changed = Buffer.from(bytes);
    changed[at] = (changed[at] ?? 0) ^ 0x01;
    await writeFile(path, changed);
    const line = bytes.subarray(0, at).toString('latin1').split('\n').length;
    const error = await refused(path);
    // What is wrong in what comes last may be a change or a cut: it is refused all the same.
    assert.ok(error.code === 'DAMAGED' || (error.code === 'TORN' && line >= 4), `${at}: ${error.message}`);
    // A changed line end joins two lines: the first of them is the wrong one.
    assert.match(error.message, new RegExp(`line ${line.toString()}\\b`), `byte ${at.toString()}`);
  }
});

test('a missing, repeated or swapped line is found', async (context) => {
  const folder = await folderOf(context);
  const [a = '', b = '', c = '', d = '', end = ''] = (
    await readFile(await archived(folder, some), 'utf8')
  ).split('\n');
  const path = join(folder, 'moved');
  for (const [order, line] of [
    [[a, c, d, end], 2],
    [[a, b, b, c, d, end], 3],
    [[b, a, c, d, end], 1],
    [[a, b, c, d, end, a], 6],
  ] as const) {
    await writeFile(path, `${order.join('\n')}\n`);
    const error = await refused(path);
    assert.equal(error.code, 'DAMAGED');
    assert.match(error.message, new RegExp(`line ${line.toString()}\\b`));
  }
});

for (const compression of [null, 'gzip', 'zstd'] as const)
  test(`one that was cut off is refused, and what was synced of it can be taken knowingly (${compression ?? 'plain'})`, async (context) => {
    const folder = await folderOf(context);
    const file = await ArchiveFile.create(join(folder, 'a'), compression);
    for (const message of some.slice(0, 3)) await file.add(message);
    await file.sync();
    await file.add(emptyMessage);
    await file.leave();
    const error = await refused(file.temporaryPath);
    assert.equal(error.code, 'TORN');
    assert.match(error.message, /cut off in line 4/);
    assert.match(error.hint ?? '', /--torn takes the 3 messages/);
    assert.deepEqual(
      await lines(file.temporaryPath, true),
      some.slice(0, 3).map((message) => recordLine(message)),
    );
  });

test('a compressed file that was changed is refused', async (context) => {
  const folder = await folderOf(context);
  const many = Array.from({ length: 2_000 }, (_, at) => ({
    ...emptyMessage,
    value: Buffer.from(`${at.toString()} ${Math.random().toString()}`),
  }));
  for (const compression of ['gzip', 'zstd'] as const) {
    const path = await archived(folder, many, compression);
    const bytes = await readFile(path);
    bytes[bytes.length >> 1] = (bytes[bytes.length >> 1] ?? 0) ^ 0xff;
    await writeFile(path, bytes);
    const { code } = await refused(path);
    assert.ok(code === 'DAMAGED' || code === 'TORN', code);
  }
});

test('one that something was taken out of, one of a newer version, and what is no archive are refused', async (context) => {
  const folder = await folderOf(context);
  const redacted = await ArchiveFile.create(join(folder, 'redacted'), null);
  await redacted.add(emptyMessage, true);
  await redacted.finish({ ...about, redacted: ['value.card'] });
  assert.match((await refused(redacted.path)).message, /line 1.*redacted/);
  const plain = join(folder, 'plain');
  await writeFile(plain, `${recordLine(emptyMessage)}\n`);
  assert.match((await refused(plain)).message, /no archive/);
});
