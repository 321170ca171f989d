/** The context file of a project, `.mqctl.yaml`, between the working folder and the root of its repository. */
import { stat } from 'node:fs/promises';
import { dirname, join, resolve } from 'node:path';

export const projectFileName = '.mqctl.yaml';

/**
 * The nearest one upwards, or null. Without a repository around it only the folder itself is looked at: a file that
 * someone left in `/tmp` is nobody's project.
 */
export async function findProjectFile(directory: string): Promise<string | null> {
  const start = resolve(directory);
  let nearestFile: string | null = null;
  for (let folder = start; ; folder = dirname(folder)) {
    const file = join(folder, projectFileName);
    if (nearestFile === null && (await exists(file))) nearestFile = file;
    if (await exists(join(folder, '.git'))) return nearestFile;
    if (dirname(folder) === folder) break;
  }
  return nearestFile === join(start, projectFileName) ? nearestFile : null;
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
