/** Splits a stream of bytes into lines without turning it into text: bytes stay what they are. */
import { UsageError } from '../errors.ts';

export interface Line {
  /** From 1. */
  readonly number: number;
  /** Without the line's end. */
  readonly bytes: Uint8Array;
}

/** A line is held in memory whole, so that a file without line ends must not fill it. */
export const maxLineBytes = 64 * 1024 * 1024;

const lineFeed = 0x0a;
const carriageReturn = 0x0d;

/**
 * The lines of each chunk that arrives. A line ends with `\n` or `\r\n`, neither of which belongs to it; a `\r` elsewhere
 * does. The last line needs no end. An empty line is a line. Throws `UsageError` for one over `limit` bytes, by number.
 */
export async function* readLines(
  chunks: AsyncIterable<Uint8Array>,
  limit: number = maxLineBytes,
): AsyncGenerator<readonly Line[], void, undefined> {
  let number = 1;
  let begun: Uint8Array[] = []; // of a line that no chunk so far has ended
  let begunBytes = 0;
  const checkLength = (length: number): void => {
    if (length > limit) throw new UsageError(`line ${number} is longer than ${limit} bytes`);
  };
  for await (const chunk of chunks) {
    const lines: Line[] = [];
    let start = 0;
    for (let end = chunk.indexOf(lineFeed); end !== -1; end = chunk.indexOf(lineFeed, start)) {
      checkLength(begunBytes + end - start);
      const rest = chunk.subarray(start, end);
      lines.push({
        number,
        bytes: withoutReturn(begun.length === 0 ? rest : Buffer.concat([...begun, rest])),
      });
      begun = [];
      begunBytes = 0;
      number += 1;
      start = end + 1;
    }
    if (start < chunk.length) {
      checkLength(begunBytes + chunk.length - start);
      begun.push(chunk.subarray(start));
      begunBytes += chunk.length - start;
    }
    if (lines.length > 0) yield lines;
  }
  if (begunBytes > 0) yield [{ number, bytes: Buffer.concat(begun) }];
}

function withoutReturn(line: Uint8Array): Uint8Array {
  return line.at(-1) === carriageReturn ? line.subarray(0, -1) : line;
}
