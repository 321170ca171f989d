/**
 * The commands and flags that scripts may rely on, as a file in the repository: losing one is a visible change of
 * `test/cli/surface.json`. Writes it; the test compares.
 */
import { writeFile } from 'node:fs/promises';
import { readSurface, surfaceFile } from '../test/cli/surface.ts';

await writeFile(surfaceFile, `${JSON.stringify(await readSurface(), null, 2)}\n`);
