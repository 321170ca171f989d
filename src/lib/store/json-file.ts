import { open, readFile, rename } from 'node:fs/promises';

import { FailedError, errorText } from '../errors.ts';

/** Writes the whole document or nothing: a reader sees the old one or the new one. 0600. */
export async function writeJsonFile(path: string, document: unknown): Promise<void> {
  const draft = `${path}.${process.pid.toString()}.tmp`;
  try {
    const file = await open(draft, 'w', 0o600);
    try {
      await file.writeFile(`${JSON.stringify(document)}\n`);
      await file.datasync();
    } finally {
      await file.close();
    }
    await rename(draft, path);
  } catch (error) {
    throw new FailedError(`could not write ${path}: ${errorText(error)}`, { cause: error });
  }
}

/** The parsed document, to be checked by the caller; undefined where there is no file. */
export async function readJsonFile(path: string): Promise<unknown> {
  let text: string;
  try {
    text = await readFile(path, 'utf8');
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined;
    throw new FailedError(`could not read ${path}: ${errorText(error)}`, { cause: error });
  }
  try {
    const document: unknown = JSON.parse(text);
    return document;
  } catch (error) {
    throw new FailedError(`${path} is no JSON: ${errorText(error)}`, { code: 'DAMAGED', cause: error });
  }
}
