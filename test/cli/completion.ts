import assert from 'node:assert/strict';
import { mqctl } from './run-mqctl.ts';

/** The values that the shell would offer after these words; the last one is under the cursor. */
export async function offered(
  words: readonly string[],
  folder: string,
  environment: Readonly<Record<string, string>> = {},
): Promise<string[]> {
  const { code, stdout, stderr } = await mqctl(['complete', '--', ...words], { folder, environment });
  assert.equal(code, 0, stderr);
  assert.equal(stderr, '');
  return stdout
    .toString()
    .split('\n')
    .filter((line) => line !== '')
    .map((line) => line.split('\t')[0] ?? '');
}
