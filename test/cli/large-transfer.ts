/** Values of 4 KiB through the real program, from a file and into one, while its memory is watched. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { open, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { highestMemory, memoryLimitMiB } from './memory.ts';
import { cleanEnvironment } from './run-mqctl.ts';
import type { Workplace } from './workplace.ts';

const program = fileURLToPath(new URL('../../bin/run.js', import.meta.url));
const valueBytes = 4096;

/** Writes a file of so many MiB, a value a line; then produces and consumes it. `say` tells what it took. */
export async function assertBoundedMemory(
  place: Workplace,
  channel: string,
  mebibytes: number,
  say: (line: string) => void,
): Promise<void> {
  const source = join(place.folder, 'values');
  const target = join(place.folder, 'consumed');
  await writeValues(source, mebibytes);
  const produced = await highestMemory(
    start(place, ['produce', channel, '--file', source, '--quiet'], 'ignore'),
  );
  say(`produce of ${mebibytes.toString()} MiB: ${produced.toString()} MiB resident`);
  const file = await open(target, 'w');
  const consumed = await highestMemory(start(place, ['consume', channel, '-o', 'value'], file.fd)).finally(
    () => file.close(),
  );
  say(`consume of ${mebibytes.toString()} MiB: ${consumed.toString()} MiB resident`);
  assert.equal((await stat(target)).size, (await stat(source)).size);
  assert.ok(produced < memoryLimitMiB, `producing took ${produced.toString()} MiB`);
  assert.ok(consumed < memoryLimitMiB, `consuming took ${consumed.toString()} MiB`);
}

function start({ folder, context }: Workplace, words: readonly string[], stdout: 'ignore' | number) {
  return spawn(process.execPath, [program, ...words, '-c', context], {
    cwd: folder,
    env: cleanEnvironment(folder),
    stdio: ['ignore', stdout, 'pipe'],
  });
}

/** Lines that differ, and do not compress to nothing. */
async function writeValues(path: string, mebibytes: number): Promise<void> {
  const file = createWriteStream(path);
  const filler = Array.from({ length: 997 }, (_, at) => String.fromCharCode(33 + ((at * 31) % 90)))
    .join('')
    .repeat(5);
  const inAMebibyte = (1024 * 1024) / valueBytes;
  for (let written = 0; written < mebibytes; written += 1) {
    const lines = Array.from(
      { length: inAMebibyte },
      (_, at) =>
        `${(written * inAMebibyte + at).toString().padStart(10, '0')}${filler.slice(at, at + valueBytes - 11)}\n`,
    );
    if (!file.write(lines.join(''))) await once(file, 'drain');
  }
  file.end();
  await once(file, 'close');
}
