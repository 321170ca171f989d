import { randomBytes } from 'node:crypto';
import { mkdir, open, rm, type FileHandle } from 'node:fs/promises';
import { join } from 'node:path';

/** Where something lies in a spool. */
export interface SpoolPlace {
  readonly start: number;
  readonly length: number;
}

/** Small pieces are written together. */
const writeBytes = 256 * 1024;

/**
 * What is too much for memory and not to be kept: bytes in a file that has no name, so that nothing is left of it however
 * this process ends.
 */
export class Spool {
  readonly #file: FileHandle;
  #pending: Uint8Array[] = [];
  #pendingBytes = 0;
  #end = 0;

  private constructor(file: FileHandle) {
    this.#file = file;
  }

  /** `folder` is made where it is missing. */
  static async create(folder: string): Promise<Spool> {
    await mkdir(folder, { recursive: true, mode: 0o700 });
    const path = join(folder, `spool-${randomBytes(8).toString('hex')}`);
    const file = await open(path, 'wx+', 0o600);
    await rm(path);
    return new Spool(file);
  }

  async append(bytes: Uint8Array): Promise<SpoolPlace> {
    const place = { start: this.#end, length: bytes.length };
    this.#pending.push(bytes);
    this.#pendingBytes += bytes.length;
    this.#end += bytes.length;
    if (this.#pendingBytes >= writeBytes) await this.#flush();
    return place;
  }

  async read({ start, length }: SpoolPlace): Promise<Buffer> {
    await this.#flush();
    const bytes = Buffer.alloc(length);
    for (let done = 0; done < length;) {
      const { bytesRead } = await this.#file.read(bytes, done, length - done, start + done);
      if (bytesRead === 0) throw new Error('a spool ended too early');
      done += bytesRead;
    }
    return bytes;
  }

  async close(): Promise<void> {
    this.#pending = [];
    await this.#file.close();
  }

  async #flush(): Promise<void> {
    const start = this.#end - this.#pendingBytes;
    const bytes = Buffer.concat(this.#pending);
    this.#pending = [];
    this.#pendingBytes = 0;
    for (let done = 0; done < bytes.length;)
      done += (await this.#file.write(bytes, done, bytes.length - done, start + done)).bytesWritten;
  }
}
