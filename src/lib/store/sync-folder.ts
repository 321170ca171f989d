import { constants } from 'node:fs';
import { open } from 'node:fs/promises';
import { dirname } from 'node:path';

/** A name in a folder is as certain as its file only when the folder is on the disk, too. */
export async function syncFolderOf(path: string): Promise<void> {
  if (process.platform === 'win32') return; // folders cannot be synced there
  const folder = await open(dirname(path), constants.O_RDONLY);
  try {
    await folder.sync();
  } finally {
    await folder.close();
  }
}
