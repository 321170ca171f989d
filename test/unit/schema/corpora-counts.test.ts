import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { test } from 'node:test';
import { countedRows } from '../../corpora/counts.ts';

const corpora = join(import.meta.dirname, '../../corpora');

test('the table of the corpora: every list of deviations is as long as it says, and every entry has a reason', (t) => {
  for (const { row } of countedRows()) t.diagnostic(row);
  const lists: Readonly<Record<string, string>> = {
    protobuf: 'Protobuf, buf',
    'json-apicurio': "JSON Schema, Apicurio's",
    'json-containment': 'JSON Schema, containment',
    'json-schema-suite': 'JSON Schema, test suite',
  };
  for (const [folder, name] of Object.entries(lists)) {
    const list: unknown = JSON.parse(readFileSync(join(corpora, folder, 'deviations.json'), 'utf8'));
    const entries = Object.values(list ?? {}) as (string | { reason: string })[];
    const rows = countedRows().filter(({ corpus }) => corpus.startsWith(name));
    assert.equal(
      rows.reduce((sum, { deviating }) => sum + deviating, 0),
      entries.length,
      folder,
    );
    for (const entry of entries) {
      const reason = typeof entry === 'string' ? entry : entry.reason;
      assert.ok(reason.length > 20, `${folder}: ${JSON.stringify(entry)} has no reason`);
    }
  }
});

test('no corpus has more deviations than where this branch began, as far as git knows it', (t) => {
  const before = tableBefore();
  if (before === null) {
    t.diagnostic('git knows no earlier table here');
    return;
  }
  for (const { corpus, deviating } of countedRows(before)) {
    const now = countedRows().find((known) => known.corpus === corpus);
    assert.ok(now !== undefined, `${corpus} is gone`);
    assert.ok(
      now.deviating <= deviating,
      `${corpus}: ${now.deviating.toString()} deviate, it were ${deviating.toString()}`,
    );
  }
});

/** At the commit from which the main branch and this one part; on the main branch itself, at the commit before. */
function tableBefore(): string | null {
  const git = (...words: readonly string[]): string | null => {
    try {
      return execFileSync('git', words, {
        cwd: corpora,
        encoding: 'utf8',
        stdio: ['ignore', 'pipe', 'ignore'],
      });
    } catch {
      return null;
    }
  };
  const head = git('rev-parse', 'HEAD')?.trim() ?? '';
  const base = ['origin/main', 'main']
    .map((main) => git('merge-base', 'HEAD', main)?.trim() ?? null)
    .find((one) => one !== null);
  return git('show', `${base === undefined || base === null || base === head ? 'HEAD~1' : base}:./COUNTS.md`);
}
