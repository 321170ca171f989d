/** Reads an archive, and believes nothing in it that its checksums do not say. */
import { createHash } from 'node:crypto';

import { FailedError, UsageError } from '../errors.ts';
import {
  checkSeal,
  isManifestLine,
  longestArchiveLine,
  parseManifest,
  type Manifest,
} from '../message/archive-line.ts';
import { parseRecord, type ParsedRecord } from '../message/record-parser.ts';
import { decompressed } from './decompress.ts';
import { readLines, type Line } from './lines.ts';
import { fileSource } from './source.ts';

export interface ArchivedMessage {
  /** In the file, from 1. */
  readonly line: number;
  readonly record: ParsedRecord;
}

export interface ArchiveEnd {
  /** null: the file was cut off, and that was agreed to. */
  readonly manifest: Manifest | null;
  readonly messages: number;
}

/** A batch ends here: a record may have megabytes. */
const batchBytes = 4 * 1024 * 1024;

/**
 * Every message of the archive, each line checked before it is given out. `acceptTorn`: what is whole of one that was cut
 * off. Throws `FailedError` that names the line: `DAMAGED` where something was changed, `TORN` where the end is missing,
 * `REFUSED` where something was taken out of it.
 */
export async function* readArchive(
  path: string,
  { acceptTorn }: { readonly acceptTorn: boolean },
): AsyncGenerator<readonly ArchivedMessage[], ArchiveEnd> {
  const checker = new Checker(path);
  let batch: ArchivedMessage[] = [];
  let bytes = 0;
  for await (const line of linesOf(path)) {
    const record = checker.take(line);
    if (record === null) continue;
    batch.push({ line: line.number, record });
    bytes += line.bytes.length;
    if (bytes < batchBytes) continue;
    yield batch;
    [batch, bytes] = [[], 0];
  }
  if (batch.length > 0) yield batch;
  return checker.end(acceptTorn);
}

/** Reads all of it, and keeps nothing. Throws as `readArchive` does. `onMessage` sees every message. */
export async function checkArchive(
  path: string,
  options: { readonly acceptTorn: boolean },
  onMessage: (message: ArchivedMessage) => void,
): Promise<ArchiveEnd> {
  const reading = readArchive(path, options);
  for (;;) {
    const next = await reading.next();
    if (next.done === true) return next.value;
    for (const message of next.value) onMessage(message);
  }
}

/** One line after the other. Where a compressed file was cut off it ends there: that there is no last line tells it. */
async function* linesOf(path: string): AsyncGenerator<Line> {
  let last = 0;
  try {
    for await (const lines of readLines(decompressed(fileSource(path)).chunks, longestArchiveLine)) {
      yield* lines;
      last = lines.at(-1)?.number ?? last;
    }
  } catch (error) {
    if (!(error instanceof FailedError)) throw error;
    if (error.code === 'TORN') return;
    throw new FailedError(`${path} was changed behind line ${last.toString()}: ${error.message}`, {
      code: 'DAMAGED',
      hint: 'nothing of it is published: take another copy',
      cause: error,
    });
  }
}

class Checker {
  readonly #path: string;
  readonly #hash = createHash('sha256');
  #checksum = 0;
  #messages = 0;
  #manifest: Manifest | null = null;
  /** The line whose checksum does not fit: cut off where it is the last one, else changed. */
  #unfit: number | null = null;

  constructor(path: string) {
    this.#path = path;
  }

  /** null: it is no message. */
  take({ number, bytes }: Line): ParsedRecord | null {
    if (this.#unfit !== null) throw this.#damaged(this.#unfit);
    if (this.#manifest !== null)
      throw this.#damaged(number, 'there is something behind the line that ends it');
    const checksum = checkSeal(bytes, this.#checksum);
    if (checksum === null) {
      this.#unfit = number;
      return null;
    }
    this.#checksum = checksum;
    if (isManifestLine(bytes)) {
      this.#manifest = parseManifest(bytes);
      return null;
    }
    this.#hash.update(bytes).update('\n');
    this.#messages += 1;
    return this.#parse(number, bytes);
  }

  end(acceptTorn: boolean): ArchiveEnd {
    const manifest = this.#manifest;
    const messages = this.#messages;
    if (manifest !== null) {
      if (manifest.messages !== messages || manifest.sha256 !== this.#hash.digest('hex'))
        throw this.#damaged(messages + 1, 'it says another number of messages, or another checksum');
      return { manifest, messages };
    }
    if (acceptTorn) return { manifest, messages };
    if (this.#unfit === 1 && messages === 0)
      throw new FailedError(`${this.#path} is no archive of mqctl: line 1 has no checksum that fits`, {
        code: 'DAMAGED',
        hint: 'records without checksums are published by mqctl produce --format ndjson',
      });
    throw new FailedError(
      `${this.#path} was cut off in line ${(this.#unfit ?? messages + 1).toString()}: its last line is missing`,
      {
        code: 'TORN',
        hint: `--torn takes the ${messages.toString()} ${messages === 1 ? 'message' : 'messages'} before that`,
      },
    );
  }

  #parse(number: number, bytes: Uint8Array): ParsedRecord {
    try {
      return parseRecord(bytes);
    } catch (error) {
      if (!(error instanceof UsageError)) throw error;
      throw new FailedError(`${this.#path}, line ${number.toString()}: ${error.message}`, {
        code: 'REFUSED',
        ...(error.hint === undefined ? {} : { hint: error.hint }),
        cause: error,
      });
    }
  }

  #damaged(line: number, why = 'its checksum does not fit'): FailedError {
    return new FailedError(`${this.#path} was changed in line ${line.toString()}: ${why}`, {
      code: 'DAMAGED',
      hint: 'nothing of it is published: take another copy',
    });
  }
}
