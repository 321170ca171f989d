/** What a real CSV parser (that of Python's own library, strict) makes of what is written. */
import assert from 'node:assert/strict';
import { execFile, spawnSync } from 'node:child_process';
import { promisify } from 'node:util';

const run = promisify(execFile);

/** For `skip`: false where there is one. */
export const withoutCsvParser =
  spawnSync('python3', ['--version']).status === 0 || process.env['MQCTL_TEST_SERVERS'] === 'required'
    ? false
    : 'no python3, which has the parser: install python3';

const program = `
import csv, io, json, sys
print(json.dumps(list(csv.reader(io.StringIO(sys.argv[1], newline=""), strict=True))))`;

/** The rows by the names in the first one. Throws where a row has more or fewer cells than that, or the text is no CSV. */
export async function parseCsv(text: string): Promise<readonly Readonly<Record<string, string>>[]> {
  const { stdout } = await run('python3', ['-c', program, text]);
  const [names = [], ...rows] = JSON.parse(stdout) as string[][];
  assert.equal(new Set(names).size, names.length, 'a name stands for one column');
  return rows.map((cells) => {
    assert.equal(cells.length, names.length, cells.join('|'));
    return Object.fromEntries(names.map((name, place) => [name, cells[place] ?? '']));
  });
}
