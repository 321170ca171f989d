/**
 * Writes an archive (`message/archive-line.ts`): under a temporary name first, so that a file of the right name is a whole
 * one. What `sync` made certain can be read from the temporary file even after a crash.
 */
import { createHash } from 'node:crypto';
import { constants } from 'node:fs';
import { access, open, rename, rm, type FileHandle } from 'node:fs/promises';
import { constants as zlib, createGzip, createZstdCompress } from 'node:zlib';

import { FailedError, UsageError, errorText } from '../errors.ts';
import {
  longestArchiveLine,
  manifestLine,
  sealed,
  type ArchiveCompression,
  type Manifest,
} from '../message/archive-line.ts';
import type { Message } from '../message/message.ts';
import { recordLine, withFields } from '../message/record.ts';
import { syncFolderOf } from './sync-folder.ts';

const ownerOnly = 0o600;
/** Small lines are written together. */
const writeBytes = 256 * 1024;

export class ArchiveFile {
  readonly path: string;
  /** The name until it is finished. */
  readonly temporaryPath: string;
  readonly #file: FileHandle;
  readonly #pressed: Compressor | null;
  readonly #hash = createHash('sha256');
  #checksum = 0;
  #messages = 0;
  #bytes = 0;
  #pending: Buffer[] = [];
  #pendingBytes = 0;

  private constructor(path: string, temporaryPath: string, file: FileHandle, pressed: Compressor | null) {
    this.path = path;
    this.temporaryPath = temporaryPath;
    this.#file = file;
    this.#pressed = pressed;
  }

  /** A new file, 0600. Throws `UsageError` where there is one of that name already: nothing is overwritten. */
  static async create(path: string, compression: ArchiveCompression | null): Promise<ArchiveFile> {
    if (await isThere(path))
      throw new UsageError(`${path} is there already`, { hint: 'name another file, or remove that one' });
    const temporaryPath = `${path}.${process.pid.toString()}.partial`;
    const flags = constants.O_WRONLY | constants.O_CREAT | constants.O_EXCL | constants.O_APPEND;
    try {
      const file = await open(temporaryPath, flags, ownerOnly);
      await syncFolderOf(temporaryPath);
      const pressed = compression === null ? null : new Compressor(compression, file);
      return new ArchiveFile(path, temporaryPath, file, pressed);
    } catch (error) {
      throw new FailedError(`could not create ${temporaryPath}: ${errorText(error)}`, { cause: error });
    }
  }

  get messages(): number {
    return this.#messages;
  }

  /** `redacted`: something was taken out of it, so that it must not be published. Throws `FailedError`. */
  async add(message: Message, redacted = false): Promise<void> {
    const plain = recordLine(message);
    const { line, checksum } = sealed(
      redacted ? withFields(plain, { redacted: true }) : plain,
      this.#checksum,
    );
    const bytes = Buffer.from(`${line}\n`, 'utf8');
    if (bytes.length > longestArchiveLine)
      throw new FailedError(
        `a message of ${this.path} would be a line of ${bytes.length.toString()} bytes: too long to be read again`,
      );
    this.#hash.update(bytes);
    this.#checksum = checksum;
    this.#messages += 1;
    this.#bytes += (message.key?.length ?? 0) + (message.value?.length ?? 0);
    await this.#write(bytes);
  }

  /** Everything so far is on the disk, and can be read from there, when this resolves. Throws `FailedError`. */
  async sync(): Promise<void> {
    await this.#attempt(async () => {
      await this.#flush();
      await this.#pressed?.flush();
      await this.#file.datasync();
    });
  }

  /** The last line, then its right name. Throws `FailedError`. */
  async finish(
    about: Pick<Manifest, 'channel' | 'target' | 'madeAt' | 'redacted'> & Partial<Pick<Manifest, 'reason'>>,
  ): Promise<Manifest> {
    const manifest: Manifest = {
      reason: null,
      ...about,
      messages: this.#messages,
      bytes: this.#bytes,
      sha256: this.#hash.digest('hex'),
    };
    await this.#attempt(async () => {
      await this.#write(Buffer.from(`${sealed(manifestLine(manifest), this.#checksum).line}\n`, 'utf8'));
      await this.#flush();
      await this.#pressed?.end();
      await this.#file.datasync();
      await this.#file.close();
      await rename(this.temporaryPath, this.path);
      await syncFolderOf(this.path);
    });
    return manifest;
  }

  /** Closes it as it is: what was synced stays under its temporary name. */
  async leave(): Promise<void> {
    this.#pressed?.destroy();
    await this.#file.close().catch(() => undefined);
  }

  /** As if it had never been begun. */
  async discard(): Promise<void> {
    await this.leave();
    await rm(this.temporaryPath, { force: true });
  }

  async #write(bytes: Buffer): Promise<void> {
    this.#pending.push(bytes);
    this.#pendingBytes += bytes.length;
    if (this.#pendingBytes >= writeBytes) await this.#attempt(() => this.#flush());
  }

  async #flush(): Promise<void> {
    const bytes = Buffer.concat(this.#pending, this.#pendingBytes);
    this.#pending = [];
    this.#pendingBytes = 0;
    if (bytes.length === 0) return;
    if (this.#pressed === null) await this.#file.appendFile(bytes);
    else await this.#pressed.write(bytes);
  }

  async #attempt(step: () => Promise<void>): Promise<void> {
    try {
      await step();
    } catch (error) {
      throw new FailedError(`could not write ${this.temporaryPath}: ${errorText(error)}`, { cause: error });
    }
  }
}

/** Compresses into a file, and knows when what was written so far is there. */
class Compressor {
  readonly #stream: ReturnType<typeof createGzip> | ReturnType<typeof createZstdCompress>;
  readonly #flushKind: number;
  #written: Promise<void> = Promise.resolve();

  constructor(compression: ArchiveCompression, file: FileHandle) {
    this.#stream = compression === 'gzip' ? createGzip() : createZstdCompress();
    this.#flushKind = compression === 'gzip' ? zlib.Z_SYNC_FLUSH : zlib.ZSTD_e_flush;
    this.#stream.on('data', (chunk: Buffer) => {
      this.#written = this.#written.then(() => file.appendFile(chunk));
      this.#written.catch(() => undefined); // told to who waits for it
    });
    this.#stream.on('error', () => undefined); // told by the callbacks
  }

  async write(bytes: Buffer): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#stream.write(bytes, (error) => (error ? reject(error) : resolve()));
    });
    await this.#written;
  }

  async flush(): Promise<void> {
    await new Promise<void>((resolve) => {
      this.#stream.flush(this.#flushKind, resolve);
    });
    await this.#written;
  }

  async end(): Promise<void> {
    await new Promise<void>((resolve, reject) => {
      this.#stream.once('end', resolve);
      this.#stream.once('error', reject);
      this.#stream.end();
    });
    await this.#written;
  }

  destroy(): void {
    this.#stream.destroy();
  }
}

async function isThere(path: string): Promise<boolean> {
  try {
    await access(path);
    return true;
  } catch {
    return false;
  }
}
