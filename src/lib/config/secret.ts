/** Fills placeholders: the only place where a context runs a command, reads a file or asks. */
import { spawn } from 'node:child_process';
import { open } from 'node:fs/promises';
import { dirname } from 'node:path';

import { UsageError, errorText } from '../errors.ts';
import type { ContextOrigin, Resolving } from './context.ts';
import { pathFrom } from './folders.ts';
import { parseTemplate, type Placeholder } from './placeholder.ts';

/** Larger than any key, token or chain of certificates. */
const maxBytes = 1024 * 1024;
/** Long enough to type the passphrase of a key ring. */
const commandTimeoutMs = 120_000;

/** Resolves the texts of one context, one after the other, so that questions come in order. */
export class SecretResolver {
  readonly #origin: ContextOrigin;
  readonly #resolving: Resolving;
  /** The context's name for people. */
  readonly #context: string;

  constructor(context: string, origin: ContextOrigin, resolving: Resolving) {
    this.#context = context;
    this.#origin = origin;
    this.#resolving = resolving;
  }

  /** The text with its placeholders filled. `field` is for errors. Throws `UsageError`; never with a value. */
  async text(text: string, field: string): Promise<string> {
    if (this.#origin.kind === 'url') return text; // the shell has filled it in already
    let filled = '';
    for (const part of parseTemplate(text, this.#where(field)))
      filled += typeof part === 'string' ? part : await this.#fill(part, field);
    return filled;
  }

  /** A PEM text: the text itself, or the content of the file that it names. */
  async pem(text: string, field: string): Promise<string> {
    const filled = await this.text(text, field);
    if (filled.includes('-----BEGIN ')) return filled;
    this.#refuseUntrusted(field, 'reads a file');
    return this.#readFile(filled, field);
  }

  /** Where relative paths of this context begin. */
  get folder(): string {
    return this.#origin.kind === 'url' ? this.#resolving.directory : dirname(this.#origin.file);
  }

  #where(field: string): string {
    return `context "${this.#context}", ${field}`;
  }

  async #fill({ kind, argument }: Placeholder, field: string): Promise<string> {
    switch (kind) {
      case 'env':
        this.#refuseUntrusted(field, 'reads the environment');
        return this.#variable(argument, field);
      case 'file':
        this.#refuseUntrusted(field, 'reads a file');
        return withoutLastLineEnd(await this.#readFile(argument, field));
      case 'cmd':
        this.#refuseUntrusted(field, 'runs a command');
        this.#refuseInCompletion(field);
        return withoutLastLineEnd(await this.#run(argument, field));
      case 'ask':
        this.#refuseUntrusted(field, 'asks for a secret');
        this.#refuseInCompletion(field);
        return this.#ask(argument, field);
    }
  }

  /**
   * A project's file comes with a clone: until its owner of this machine trusts it, it is data. The environment is
   * refused, too: its secrets would else go to whatever address the file names.
   */
  #refuseUntrusted(field: string, does: string): void {
    if (this.#origin.kind !== 'project' || this.#origin.trusted) return;
    throw new UsageError(`${this.#where(field)}: ${does}, and ${this.#origin.file} is not trusted`, {
      hint: 'read the file, then run: mqctl context trust',
    });
  }

  #refuseInCompletion(field: string): void {
    if (this.#resolving.forCompletion === true)
      throw new UsageError(`${this.#where(field)}: not resolved for completion`);
  }

  #variable(name: string, field: string): string {
    const value = this.#resolving.environment[name];
    if (value === undefined)
      throw new UsageError(`${this.#where(field)}: the environment variable ${name} is not set`);
    return value;
  }

  async #ask(question: string, field: string): Promise<string> {
    const { ask } = this.#resolving;
    if (ask === null)
      throw new UsageError(`${this.#where(field)}: has to be asked for, and nobody can be asked here`, {
        hint: 'run it on a terminal, or write ${env:NAME}, ${file:PATH} or ${cmd:COMMAND} in the context',
      });
    return ask(question === '' ? `${field} of ${this.#context}` : question);
  }

  async #readFile(path: string, field: string): Promise<string> {
    const full = pathFrom(this.folder, path);
    try {
      await using file = await open(full);
      const buffer = Buffer.alloc(maxBytes + 1);
      let length = 0;
      for (;;) {
        const { bytesRead } = await file.read(buffer, length, buffer.length - length);
        length += bytesRead;
        if (bytesRead === 0 || length > maxBytes) break;
      }
      if (length > maxBytes) throw new Error('larger than 1 MiB');
      return buffer.toString('utf8', 0, length);
    } catch (error) {
      throw new UsageError(`${this.#where(field)}: cannot read ${full}: ${errorText(error)}`, {
        cause: error,
      });
    }
  }

  /** By the shell. Its stdin is closed, since ours may be the data of a command; its stderr is not shown. */
  async #run(line: string, field: string): Promise<string> {
    const failed = (how: string): UsageError =>
      new UsageError(`${this.#where(field)}: the command ${how}`, {
        hint: `run it by hand to see why: ${line}`,
      });
    const signal = AbortSignal.any([this.#resolving.signal, AbortSignal.timeout(commandTimeoutMs)]);
    const { promise, resolve, reject } = Promise.withResolvers<string>();
    const child = spawn(line, { shell: true, cwd: this.folder, stdio: ['ignore', 'pipe', 'ignore'], signal });
    const chunks: Buffer[] = [];
    let length = 0;
    child.stdout.on('data', (chunk: Buffer) => {
      length += chunk.length;
      if (length <= maxBytes) chunks.push(chunk);
      else child.kill();
    });
    child.on('error', (error) => {
      if (this.#resolving.signal.aborted) reject(error);
      else
        reject(
          failed(signal.aborted ? 'did not end within two minutes' : `could not be run: ${error.message}`),
        );
    });
    child.on('close', (status, ended) => {
      if (length > maxBytes) reject(failed('printed more than 1 MiB'));
      else if (status !== 0) reject(failed(`ended with ${ended ?? `status ${String(status)}`}`));
      else resolve(Buffer.concat(chunks).toString('utf8'));
    });
    return promise;
  }
}

function withoutLastLineEnd(text: string): string {
  return text.replace(/\r?\n$/, '');
}
