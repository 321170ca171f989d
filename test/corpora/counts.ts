import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { TestContext } from 'node:test';

export interface Counts {
  readonly cases: number;
  /** Judged otherwise than the corpus says, each with its reason in the list of deviations. */
  readonly deviating: number;
  /** Of what may break data, how many had a witness; the share that there has to be at least. null: nothing is searched for. */
  readonly witnesses: { readonly found: number; readonly of: number; readonly least: number } | null;
}

const table = readFileSync(join(import.meta.dirname, 'COUNTS.md'), 'utf8');

/** The rows of `COUNTS.md`. */
export function countedRows(
  page = table,
): { readonly corpus: string; readonly deviating: number; readonly row: string }[] {
  return [...page.matchAll(/^\| ([^|]+?) +\| +\d+ \| +\d+ \| +(\d+) \|.*$/gm)].map(
    ([row, corpus = '', deviating = '']) => ({ corpus, deviating: Number(deviating), row }),
  );
}

/** Says what was counted, and fails where `COUNTS.md` says something else: a deviation more does not come in silently. */
export function assertCounts(t: TestContext, corpus: string, counts: Counts): void {
  const { cases, deviating, witnesses } = counts;
  const numbers = [cases, cases - deviating, deviating].map(String);
  const share = witnesses === null ? null : witnesses.found / witnesses.of;
  const said =
    witnesses === null || share === null
      ? '–'
      : `${witnesses.found.toString()} of ${witnesses.of.toString()} (${(100 * share).toFixed(1)} %)`;
  t.diagnostic(`${corpus}: ${numbers.join(' | ')} | ${said}`);
  const row = countedRows().find((known) => known.corpus === corpus)?.row ?? '';
  const cells = row.split('|').map((cell) => cell.trim());
  assert.deepEqual(
    cells.slice(2, 5),
    numbers,
    `test/corpora/COUNTS.md: | ${[corpus, ...numbers, said].join(' | ')} |`,
  );
  if (witnesses === null || share === null) return;
  assert.ok(share >= witnesses.least, `${corpus}: ${said}, at least ${(100 * witnesses.least).toString()} %`);
  // How many are found may differ by a few from machine to machine: the search is bounded in time.
  assert.match(cells[5] ?? '', new RegExp(` of ${witnesses.of.toString()} `), `${corpus}: ${said}`);
}
