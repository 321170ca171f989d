/** What the round trips share: many random messages written once, read back after each hop, compared by hash. */
import assert from 'node:assert/strict';
import { createReadStream, createWriteStream } from 'node:fs';
import { once } from 'node:events';
import { join } from 'node:path';
import { PartitionHashes, Random, lineOf, plainRecord, readLine } from './random-records.ts';
import { ended, startMqctl } from './run-mqctl.ts';

export const partitions = 3;

/** Writes so many records into a file; resolves with their hashes by partition. */
export async function writeRandomRecords(
  path: string,
  count: number,
  seed: number,
): Promise<Record<string, string>> {
  const random = new Random(seed);
  const hashes = new PartitionHashes();
  const file = createWriteStream(path);
  for (let written = 0; written < count;) {
    let text = '';
    for (const end = Math.min(count, written + 1_000); written < end; written += 1) {
      const record = plainRecord(random, partitions);
      hashes.add(record);
      text += `${lineOf(record)}\n`;
    }
    if (!file.write(text)) await once(file, 'drain');
  }
  file.end();
  await once(file, 'close');
  return hashes.result();
}

export async function hashesOfFile(path: string): Promise<Record<string, string>> {
  const hashes = new PartitionHashes();
  let begun = '';
  // Not by Node's readline, which also ends a line at U+2028: JSON text may hold that.
  for await (const chunk of createReadStream(path, { encoding: 'utf8' })) {
    const lines = `${begun}${String(chunk)}`.split('\n');
    begun = lines.pop() ?? '';
    for (const line of lines) hashes.add(readLine(line));
  }
  assert.equal(begun, '', 'the last line has its end');
  return hashes.result();
}

export async function produceFile(
  folder: string,
  file: string,
  channel: string,
  context: string,
): Promise<void> {
  const words = ['produce', channel, '--format', 'ndjson', '--keep', 'partition,timestamp', '-c', context];
  const child = startMqctl([...words, '--file', join(folder, file), '-o', 'json'], { folder });
  child.stdin?.end();
  const { code, stdout, stderr } = await ended(child);
  assert.equal(code, 0, stderr);
  assert.partialDeepStrictEqual(JSON.parse(stdout.toString()), { failed: 0, unknown: 0, unsent: 0 });
}

/** Looks at all of a channel, into a file. */
export async function consumeIntoFile(
  folder: string,
  file: string,
  channel: string,
  context: string,
): Promise<void> {
  const child = startMqctl(['consume', channel, '-o', 'ndjson', '-c', context], { folder });
  child.stdin?.end();
  const target = createWriteStream(join(folder, file));
  child.stdout?.pipe(target);
  const [{ code, stderr }] = await Promise.all([ended(child), once(target, 'close')]);
  assert.equal(code, 0, stderr);
}
