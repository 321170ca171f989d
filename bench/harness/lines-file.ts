import { once } from 'node:events';
import { createReadStream, createWriteStream } from 'node:fs';
import { stat } from 'node:fs/promises';
import { finished } from 'node:stream/promises';

/** Lines of so many bytes each, beside their ends; no two are the same. */
export async function writeLines(path: string, count: number, bytes: number): Promise<void> {
  const file = createWriteStream(path);
  const together = 10_000;
  for (let done = 0; done < count; done += together) {
    const lines = Array.from({ length: Math.min(together, count - done) }, (_, at) =>
      (done + at).toString().padEnd(bytes, 'x'),
    );
    if (!file.write(`${lines.join('\n')}\n`)) await once(file, 'drain');
  }
  file.end();
  await finished(file);
}

/** Throws where a file is not as large as it should be: then a side did not do the work. */
export async function requireSize(path: string, bytes: number): Promise<void> {
  const { size } = await stat(path);
  if (size !== bytes) throw new Error(`${path} has ${size.toString()} bytes, not ${bytes.toString()}`);
}

/** Throws where it has not so many lines. */
export async function requireLines(path: string, count: number): Promise<void> {
  let lines = 0;
  for await (const chunk of createReadStream(path) as AsyncIterable<Buffer>)
    for (let at = chunk.indexOf(10); at >= 0; at = chunk.indexOf(10, at + 1)) lines += 1;
  if (lines !== count) throw new Error(`${path} has ${lines.toString()} lines, not ${count.toString()}`);
}
