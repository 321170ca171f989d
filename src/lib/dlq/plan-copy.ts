import { constants } from 'node:fs';
import { chmod, copyFile } from 'node:fs/promises';

import { FailedError, errorText } from '../errors.ts';

/** Copies a plan to where the user wants it; never over another file. 0600. Throws `FailedError`. */
export async function keepPlan(planPath: string, file: string): Promise<void> {
  try {
    await copyFile(planPath, file, constants.COPYFILE_EXCL);
    await chmod(file, 0o600);
  } catch (error) {
    throw new FailedError(`could not keep the plan: ${errorText(error)}`, { cause: error });
  }
}
