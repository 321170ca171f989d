/** The last lines of `npm test`: what passed, what did not, what was skipped and how to have it run. */
import type { TestResult } from './results-reporter.ts';

export interface GroupReport {
  readonly name: string;
  readonly files: number;
  readonly results: readonly TestResult[];
  /** Why its server was not there, and what to do about it. */
  readonly missing: readonly { readonly missing: string; readonly remedy: string }[];
  /** How the test process failed beside its tests: a file that does not load, a signal, out of time. */
  readonly problem: string | null;
}

const counted = ['passed', 'failed', 'skipped', 'not applicable'] as const;

export function closingLines(reports: readonly GroupReport[]): string[] {
  const rows = reports.map((report) => [report.name, ...counts(report.results).map(String)]);
  const all = reports.flatMap(({ results }) => results);
  rows.push(['total', ...counts(all).map(String)]);
  return [
    '',
    ...columns([['', ...counted], ...rows]),
    ...reports.flatMap(missingLines),
    ...reasons(all),
    ...failures(reports),
  ];
}

/** The contract suite's results as a table, systems across and cases down; empty where it was not run. */
export function matrixLines(results: readonly TestResult[]): string[] {
  const prefix = 'contract: ';
  const ofSuite = results.filter(({ path }) => path[0]?.startsWith(prefix) === true);
  const systems = [...new Set(ofSuite.map(({ path }) => path[0] ?? ''))];
  const cases = [...new Set(ofSuite.map(({ path }) => path.slice(1).join(': ')))];
  if (cases.length === 0) return [];
  const cell = (system: string, name: string) => {
    const found = ofSuite.find(({ path }) => path[0] === system && path.slice(1).join(': ') === name);
    return { passed: 'ok', failed: 'FAILED', skipped: 'skipped', 'not applicable': '–', none: '' }[
      found?.status ?? 'none'
    ];
  };
  return columns([
    ['', ...systems.map((system) => system.slice(prefix.length))],
    ...cases.map((name) => [name, ...systems.map((system) => cell(system, name))]),
  ]);
}

function counts(results: readonly TestResult[]): number[] {
  return counted.map((status) => results.filter((result) => result.status === status).length);
}

/** Several servers of a group may be missing for one reason. */
function missingLines({ name, files, missing }: GroupReport): string[] {
  const lines = missing.map(
    (one) => `\n${name}: not run on a server (${files} files): ${one.missing}\n  to run it: ${one.remedy}`,
  );
  return [...new Set(lines)];
}

function reasons(results: readonly TestResult[]): string[] {
  const skipped = Map.groupBy(
    results.filter(({ status }) => status === 'skipped'),
    ({ reason }) => reason ?? '',
  );
  return [...skipped].map(([reason, tests]) => `\n${tests.length} skipped: ${reason}`);
}

function failures(reports: readonly GroupReport[]): string[] {
  return reports.flatMap(({ name, results, problem }) => [
    ...results
      .filter(({ status }) => status === 'failed')
      .map(({ path, reason }) => `\nfailed in ${name}: ${path.join(' > ')}${indented(reason)}`),
    ...(problem === null ? [] : [`\nfailed in ${name}: ${problem}`]),
  ]);
}

function indented(reason: string | null): string {
  return reason === null ? '' : `\n${reason.replaceAll(/^/gm, '  ')}`;
}

/** First column to the left, the others to the right. */
function columns(rows: readonly (readonly string[])[]): string[] {
  const widths = (rows[0] ?? []).map((_, column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  return rows.map((row) =>
    row
      .map((cell, column) =>
        column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0),
      )
      .join('  '),
  );
}
