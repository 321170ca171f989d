/** Where messages are read from: a file, stdin, or a text of the command line. */
import { createReadStream } from 'node:fs';

import { UsageError, errorText } from '../errors.ts';
import { maxLineBytes } from './lines.ts';

export interface Source {
  /** For errors: a path, `stdin`, `--value`. */
  readonly name: string;
  readonly chunks: AsyncIterable<Uint8Array>;
}

/** Opened when it is read first. Reading throws `UsageError` when the file cannot be. */
export function fileSource(path: string): Source {
  return { name: path, chunks: readable(path, () => createReadStream(path, { highWaterMark: 256 * 1024 })) };
}

/** A stream that is open already, such as stdin. */
export function streamSource(name: string, stream: AsyncIterable<Uint8Array>): Source {
  return { name, chunks: readable(name, () => stream) };
}

/** A text of the command line, as UTF-8 in one chunk. */
export function textSource(name: string, text: string): Source {
  const single = [Buffer.from(text)];
  return {
    name,
    chunks: {
      async *[Symbol.asyncIterator]() {
        yield* single;
      },
    },
  };
}

/** All of a source in memory. Throws `UsageError` beyond what a line may have. */
export async function readWhole({ name, chunks }: Source, limit: number = maxLineBytes): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of chunks) {
    length += chunk.length;
    if (length > limit)
      throw new UsageError(`${name} is longer than ${limit} bytes, too long for one message`);
    parts.push(chunk);
  }
  return Buffer.concat(parts, length);
}

async function* readable(
  name: string,
  open: () => AsyncIterable<Uint8Array>,
): AsyncGenerator<Uint8Array, void, undefined> {
  const chunks = open()[Symbol.asyncIterator]();
  let ended = false;
  try {
    for (;;) {
      const next = await chunks.next().catch((error: unknown) => {
        throw new UsageError(`cannot read ${name}: ${errorText(error)}`, { cause: error });
      });
      ended = next.done === true;
      if (next.done === true) return;
      yield next.value;
    }
  } finally {
    if (!ended) await chunks.return?.(); // closes the file of a reader that left early
  }
}
