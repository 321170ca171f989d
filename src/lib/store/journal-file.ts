/**
 * A file of checked lines that only grows:
 *
 *     1c2a3b4d mqctl-journal 1
 *     9f8e7d6c INTENT 0-99
 *
 * Each line is the CRC-32C of its text in 8 hex digits, a space, the text. The first one says what the file is and its
 * version. What was cut off in the middle of the last line was never synced, so nobody relied on it: it is dropped. A
 * byte that differs anywhere else is refused with its line: the file is the truth about messages.
 */
import { constants } from 'node:fs';
import { open, type FileHandle } from 'node:fs/promises';

import { FailedError, errorText } from '../errors.ts';
import { crc32c } from './crc32c.ts';
import { syncFolderOf } from './sync-folder.ts';

export interface JournalKind {
  /** `journal`, `plan`. */
  readonly name: string;
  readonly version: number;
}

export interface JournalLine {
  /** Counted from 1. */
  readonly line: number;
  readonly text: string;
}

const newline = 0x0a;
const checksumLength = 8;
const chunkBytes = 256 * 1024;
/** Longer lines than this are no lines of ours: memory stays bounded whatever the file is. */
const longestLine = 1024 * 1024;
const ownerOnly = 0o600;

/** Appends lines. They are written by `flush` and certain after `sync`. */
export class JournalFile {
  readonly path: string;
  readonly #file: FileHandle;
  #pending: string[] = [];
  #pendingLength = 0;
  /** Why it cannot be written any more: what follows a line that was cut off would be taken for damage. */
  #broken: FailedError | null = null;
  /** The sync under way, and the one behind it, which all share that ask meanwhile. */
  #syncing: Promise<void> = Promise.resolve();
  #nextSync: Promise<void> | null = null;

  private constructor(path: string, file: FileHandle) {
    this.path = path;
    this.#file = file;
  }

  /** A new file, 0600. Throws `FailedError` with code `EXISTS` where there is one. */
  static async create(path: string, kind: JournalKind): Promise<JournalFile> {
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_APPEND;
    const file = await open(path, flags, ownerOnly).catch((error: unknown) => {
      const code = hasCode(error, 'EEXIST') ? 'EXISTS' : 'FAILED';
      throw new FailedError(`could not create ${path}: ${errorText(error)}`, { code, cause: error });
    });
    const journal = new JournalFile(path, file);
    journal.append(`mqctl-${kind.name} ${kind.version.toString()}`);
    await journal.sync();
    await syncFolderOf(path);
    return journal;
  }

  /**
   * Reads all lines of a file that is there, drops a torn last one, and goes on behind it. `onLine` sees every line but
   * the first. Throws `FailedError` as `readJournal` does.
   */
  static async reopen(
    path: string,
    kind: JournalKind,
    onLine: (line: JournalLine) => void,
  ): Promise<JournalFile> {
    const file = await openToRead(path, constants.O_RDWR | constants.O_APPEND);
    try {
      let kept = 0;
      let unterminated = false;
      for await (const piece of linesOf(path, file)) {
        for (const found of piece) {
          kept = found.end;
          unterminated = !found.terminated;
          if (found.line === 1) requireKind(path, kind, found.text);
          else onLine(found);
        }
      }
      if (kept === 0) throw notOurs(path, kind);
      await file.truncate(kept);
      if (unterminated) await file.appendFile('\n');
      return new JournalFile(path, file);
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  /** `text` must hold no line break. */
  append(text: string): void {
    if (text.includes('\n')) throw new FailedError('a journal line cannot hold a line break');
    const bytes = Buffer.from(text, 'utf8');
    this.#pending.push(`${crc32c(bytes).toString(16).padStart(checksumLength, '0')} ${text}\n`);
    this.#pendingLength += bytes.length;
  }

  /** Whether enough waits that a `flush` is worth its while. */
  get full(): boolean {
    return this.#pendingLength >= chunkBytes;
  }

  /** Hands the lines to the operating system: they outlive this process, not a power cut. */
  async flush(): Promise<void> {
    if (this.#pending.length === 0) return;
    const text = this.#pending.join('');
    this.#pending = [];
    this.#pendingLength = 0;
    await this.#attempt(() => this.#file.appendFile(text));
  }

  /**
   * All lines so far are on the disk when this resolves. Calls that come while one is under way share the next one.
   * Throws `FailedError` when they cannot be (a full disk).
   */
  sync(): Promise<void> {
    this.#nextSync ??= this.#syncAfter(this.#syncing);
    return this.#nextSync;
  }

  async #syncAfter(before: Promise<void>): Promise<void> {
    await before.catch(() => undefined); // told to who asked for it; what is broken stays so
    const own = this.#nextSync;
    this.#nextSync = null;
    if (own !== null) this.#syncing = own;
    await this.flush();
    await this.#attempt(() => this.#file.datasync());
  }

  /** Without what could not be written: that was said before. */
  async close(): Promise<void> {
    try {
      if (this.#broken === null) await this.flush();
    } finally {
      await this.#file.close();
    }
  }

  async #attempt(write: () => Promise<void>): Promise<void> {
    if (this.#broken !== null) throw this.#broken;
    try {
      await write();
    } catch (error) {
      this.#broken = cannotWrite(this.path, error);
      throw this.#broken;
    }
  }
}

/**
 * Every line but the first, in order, many at a time and in bounded memory. Throws `FailedError` with code `DAMAGED` that
 * names the line, `NEWER` for a version that this one does not know, `NOT_FOUND` where there is no file.
 */
export async function* readJournal(path: string, kind: JournalKind): AsyncGenerator<readonly JournalLine[]> {
  const file = await openToRead(path, constants.O_RDONLY);
  try {
    let seen = false;
    for await (const piece of linesOf(path, file)) {
      const [first] = piece;
      if (!seen && first !== undefined) requireKind(path, kind, first.text);
      yield seen ? piece : piece.slice(1);
      seen = true;
    }
    if (!seen) throw notOurs(path, kind);
  } finally {
    await file.close();
  }
}

/**
 * The last line alone, however long the file is: what lies before it is not looked at. One that was cut off in its middle does
 * not count, as for `readJournal`. Throws `FailedError` with code `DAMAGED` where it is not whole, `NOT_FOUND` where there is no
 * file.
 */
export async function readLastLine(path: string): Promise<string> {
  const file = await openToRead(path, constants.O_RDONLY);
  try {
    const { size } = await file.stat();
    const from = Math.max(0, size - longestLine);
    const { buffer, bytesRead } = await file.read(Buffer.alloc(size - from), 0, size - from, from);
    const end = buffer.subarray(0, bytesRead).lastIndexOf(newline);
    const unterminated = checkedText(buffer, end + 1, bytesRead);
    if (unterminated !== null) return unterminated; // only its end is missing
    const text = end < 0 ? null : checkedText(buffer, buffer.subarray(0, end).lastIndexOf(newline) + 1, end);
    if (text === null) throw damaged(path, null);
    return text;
  } finally {
    await file.close();
  }
}

interface FoundLine extends JournalLine {
  /** Where the next line begins. */
  readonly end: number;
  readonly terminated: boolean;
}

/** Those of one read together: to await each of a million lines by itself takes as long as everything else. */
async function* linesOf(path: string, file: FileHandle): AsyncGenerator<readonly FoundLine[]> {
  const chunk = Buffer.allocUnsafe(chunkBytes);
  let rest = Buffer.alloc(0);
  let position = 0;
  let line = 0;
  for (let offset = 0; ;) {
    const { bytesRead } = await file.read(chunk, 0, chunkBytes, offset);
    if (bytesRead === 0) break;
    offset += bytesRead;
    const bytes = Buffer.concat([rest, chunk.subarray(0, bytesRead)]);
    const piece: FoundLine[] = [];
    let start = 0;
    let whole = true;
    for (let end = bytes.indexOf(newline); end >= 0 && whole; end = bytes.indexOf(newline, start)) {
      line += 1;
      const text = checkedText(bytes, start, end);
      if (text === null) whole = false;
      else piece.push({ line, text, end: position + end + 1, terminated: true });
      start = end + 1;
    }
    if (piece.length > 0) yield piece;
    if (!whole) throw damaged(path, line);
    rest = Buffer.from(bytes.subarray(start));
    position += start;
    if (rest.length > longestLine) throw damaged(path, line + 1);
  }
  // Only the line's end is missing: the line itself is whole.
  const text = checkedText(rest, 0, rest.length);
  if (text !== null) yield [{ line: line + 1, text, end: position + rest.length, terminated: false }];
}

function checkedText(bytes: Buffer, start: number, end: number): string | null {
  const textStart = start + checksumLength + 1;
  if (end < textStart || bytes[textStart - 1] !== 0x20) return null;
  return checksumAt(bytes, start) === crc32c(bytes, textStart, end)
    ? bytes.toString('utf8', textStart, end)
    : null;
}

/** Eight hex digits as `append` writes them, in lower case; -1 where there is something else. */
function checksumAt(bytes: Buffer, start: number): number {
  let checksum = 0;
  for (let at = start; at < start + checksumLength; at += 1) {
    const byte = bytes[at] ?? 0;
    const isDigit = byte >= 0x30 && byte <= 0x39;
    if (!isDigit && (byte < 0x61 || byte > 0x66)) return -1;
    checksum = checksum * 16 + byte - (isDigit ? 0x30 : 0x57);
  }
  return checksum;
}

function requireKind(path: string, kind: JournalKind, text: string): void {
  const version = /^mqctl-([a-z]+) (\d{1,9})$/.exec(text);
  if (version === null || version[1] !== kind.name) throw notOurs(path, kind);
  if (Number(version[2]) > kind.version) {
    throw new FailedError(
      `${path} was written by a newer mqctl (version ${version[2] ?? ''} of its format)`,
      {
        code: 'NEWER',
        hint: 'use that mqctl, or a later one',
      },
    );
  }
}

async function openToRead(path: string, flags: number): Promise<FileHandle> {
  return open(path, flags).catch((error: unknown) => {
    const code = hasCode(error, 'ENOENT') ? 'NOT_FOUND' : 'FAILED';
    throw new FailedError(`could not read ${path}: ${errorText(error)}`, { code, cause: error });
  });
}

/** `line`: null is the last one. */
function damaged(path: string, line: number | null): FailedError {
  const where = line === null ? 'its last line' : `line ${line.toString()}`;
  return new FailedError(`${path} is damaged in ${where}: its checksum does not fit`, {
    code: 'DAMAGED',
    hint: 'it cannot be trusted any more: restore the file from a copy, or look at the channels themselves',
  });
}

function notOurs(path: string, kind: JournalKind): FailedError {
  return new FailedError(`${path} is no ${kind.name} of mqctl`, { code: 'DAMAGED' });
}

function cannotWrite(path: string, error: unknown): FailedError {
  return new FailedError(`could not write ${path}: ${errorText(error)}`, {
    hint: hasCode(error, 'ENOSPC') ? 'make room on that disk, then resume' : 'put that right, then resume',
    cause: error,
  });
}

function hasCode(error: unknown, code: string): boolean {
  return error instanceof Error && 'code' in error && error.code === code;
}
