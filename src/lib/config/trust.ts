/** Which project files this user has trusted: by path and content, so that a changed file is asked for again. */
import { createHash } from 'node:crypto';
import { realpath } from 'node:fs/promises';
import { join } from 'node:path';

import { FailedError } from '../errors.ts';
import { readSmallFile, replaceFile } from './private-file.ts';

/** Whether this very content of this file was trusted. */
export async function isTrusted(stateFolder: string, file: string, content: string): Promise<boolean> {
  return (await readTrust(stateFolder)).get(await realpath(file)) === hashOf(content);
}

/** Trusts this content of this file from now on, in the place of what was trusted there before. */
export async function trust(stateFolder: string, file: string, content: string): Promise<void> {
  await writeTrust(stateFolder, (await readTrust(stateFolder)).set(await realpath(file), hashOf(content)));
}

/** Whether it was trusted before. */
export async function distrust(stateFolder: string, file: string): Promise<boolean> {
  const trusted = await readTrust(stateFolder);
  const was = trusted.delete(await realpath(file));
  if (was) await writeTrust(stateFolder, trusted);
  return was;
}

function hashOf(content: string): string {
  return createHash('sha256').update(content).digest('hex');
}

function storeOf(stateFolder: string): string {
  return join(stateFolder, 'trusted-projects.json');
}

async function readTrust(stateFolder: string): Promise<Map<string, string>> {
  const text = await readSmallFile(storeOf(stateFolder));
  if (text === null) return new Map();
  const broken = (): FailedError =>
    new FailedError(`${storeOf(stateFolder)} is damaged`, {
      hint: 'remove it, and trust your projects again',
    });
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    throw broken();
  }
  if (typeof parsed !== 'object' || parsed === null) throw broken();
  const trusted = new Map<string, string>();
  for (const [file, hash] of Object.entries(parsed)) {
    if (typeof hash !== 'string') throw broken();
    trusted.set(file, hash);
  }
  return trusted;
}

async function writeTrust(stateFolder: string, trusted: ReadonlyMap<string, string>): Promise<void> {
  await replaceFile(storeOf(stateFolder), `${JSON.stringify(Object.fromEntries(trusted), null, 2)}\n`);
}
