import assert from 'node:assert/strict';
import { test } from 'node:test';
import stringWidth from 'string-width';
import { printTable, type Column } from '../../../src/lib/output/table.ts';
import { recordingOutput } from './recording-output.ts';

type Row = readonly [name: string, count: string];
const columns: readonly Column<Row>[] = [
  { header: 'NAME', cell: ([name]) => name },
  { header: 'COUNT', align: 'right', cell: ([, count]) => count },
];

async function table(terminalColumns: number | null, rows: readonly Row[]): Promise<string[]> {
  const { output, written } = recordingOutput(terminalColumns);
  await printTable(output, columns, rows);
  return Buffer.from(written(), 'latin1').toString().split('\n').slice(0, -1);
}

test('columns are aligned by what a terminal shows, wide characters and emoji, too', async () => {
  for (const terminal of [null, 80]) {
    const lines = await table(terminal, [
      ['漢字漢字', '1'],
      ['👩‍👩‍👧 team', '22'],
      ['plain', '333'],
    ]);
    assert.equal(lines.length, 4);
    const widths = new Set(lines.map((line) => stringWidth(line)));
    assert.equal(widths.size, 1, lines.join('\n'));
  }
});

test('piped it is complete; on a terminal the widest column is cut with an ellipsis', async () => {
  const long = 'x'.repeat(200);
  assert.match((await table(null, [[long, '1']])).join('\n'), new RegExp(long));
  const lines = await table(40, [
    [long, '1'],
    ['漢'.repeat(100), '2'],
  ]);
  for (const line of lines) assert.ok(stringWidth(line) <= 40, line);
  assert.match(lines[1] ?? '', /^x+… +1$/);
});

test('a cell with line ends and escape sequences stays one line', async () => {
  for (const terminal of [null, 80]) {
    const lines = await table(terminal, [['a\nb\u001b[31m', '1']]);
    assert.equal(lines.length, 2);
    assert.match(lines[1] ?? '', /^a\\nb\\x1b\[31m {2,}1$/);
  }
});

test('no rows, no table', async () => {
  assert.deepEqual(await table(80, []), []);
});
