import { access, mkdir, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { UsageError } from '../errors.ts';

const marker = '.mqctl-demo';
const databaseFiles = ['shop.db', 'shop.db-wal', 'shop.db-shm'];

/**
 * Makes the folder for the demo, or empties the one that an earlier demo made. Nothing that the demo did not make is
 * touched. Returns its absolute path. Throws `UsageError` where a shop.db is there that is not the demo's.
 */
export async function prepareFolder(name: string): Promise<string> {
  const folder = resolve(name);
  const ours = await exists(join(folder, marker));
  if (!ours && (await exists(join(folder, 'shop.db')))) {
    throw new UsageError(`${join(folder, 'shop.db')} is there already, and not from a demo`, {
      hint: 'name another folder: mqctl demo FOLDER',
    });
  }
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, marker), 'made by mqctl demo; it may be deleted\n');
  for (const file of databaseFiles) await rm(join(folder, file), { force: true });
  return folder;
}

async function exists(path: string): Promise<boolean> {
  return access(path).then(
    () => true,
    () => false,
  );
}
