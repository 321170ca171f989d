import type { Checked } from '../../operations/check/run-checks.ts';
import type { CheckStatus } from '../../operations/check/check.ts';
import { junitReport } from '../../output/junit.ts';
import { printListing } from '../../output/listing.ts';
import { openMetrics } from '../../output/openmetrics.ts';
import type { Output } from '../../output/output.ts';
import { visible } from '../../output/sanitise.ts';
import { timeText } from '../../output/time.ts';

export const checkFormats = ['table', 'json', 'ndjson', 'csv', 'junit', 'openmetrics'] as const;
export type CheckFormat = (typeof checkFormats)[number];

const statuses: readonly CheckStatus[] = ['unknown', 'pass', 'warn', 'fail'];

/** `at` is in milliseconds since 1970, for the JSON document. A table that goes to a terminal has the worst first. */
export async function printChecks(
  output: Output,
  format: CheckFormat,
  results: readonly Checked[],
  at: number,
): Promise<void> {
  if (format === 'junit') return output.printLines(junitReport('mqctl check', results.map(junitCase)));
  if (format === 'openmetrics') return output.printLines(openMetrics([gauge(results)]));
  if (format === 'table' && output.data.isTerminal && results.length > 0)
    return printFindings(output, results);
  await printListing(output, format, {
    columns: [
      { header: 'CHECK', cell: ({ id }) => id },
      {
        header: 'STATUS',
        cell: ({ status }) => status,
        paint: (text, { status }) => paint(output, text, status),
      },
      { header: 'ON', cell: ({ subject }) => subject ?? '-' },
      { header: 'EVIDENCE', cell: ({ evidence }) => evidence },
      { header: 'NEXT', cell: ({ next }) => next ?? '' },
    ],
    rows: results,
    record: ({ id, subject, status, evidence, next }) => ({ check: id, subject, status, evidence, next }),
    document: (checks) => ({ at: timeText(at), checks }),
    empty: 'there is nothing to check',
  });
}

/** `2 fail, 3 warn, 20 pass, 4 unknown`. */
export function countsText(results: readonly Checked[]): string {
  return statuses
    .toReversed()
    .map((status) => ({ status, count: results.filter((each) => each.status === status).length }))
    .filter(({ count }) => count > 0)
    .map(({ status, count }) => `${count.toString()} ${status}`)
    .join(', ');
}

const worstFirst: readonly CheckStatus[] = ['fail', 'warn', 'unknown', 'pass'];
const statusWidth = Math.max(...worstFirst.map(({ length }) => length));

/** For a person: the worst first, whole sentences below each other, however narrow the terminal is. */
async function printFindings(output: Output, results: readonly Checked[]): Promise<void> {
  const width = Math.max(...results.map(({ id }) => id.length));
  const sorted = results.toSorted(
    (one, other) => worstFirst.indexOf(one.status) - worstFirst.indexOf(other.status),
  );
  for (const { id, subject, status, evidence, next } of sorted) {
    const lead = `${paint(output, status.padEnd(statusWidth), status)}  ${id.padEnd(width)}  `;
    const indent = ' '.repeat(statusWidth + 2);
    await output.print(`${lead}${subject === null ? '' : output.colour.bold(visible(subject))}`.trimEnd());
    await output.print(`${indent}${visible(evidence)}`);
    if (next !== null && status !== 'pass')
      await output.print(`${indent}${output.colour.dim(visible(next))}`);
  }
}

function paint(output: Output, text: string, status: CheckStatus): string {
  const { colour } = output;
  if (status === 'pass') return colour.green(text);
  if (status === 'fail') return colour.red(text);
  return status === 'warn' ? colour.yellow(text) : colour.dim(text);
}

function junitCase({ id, subject, status, evidence }: Checked) {
  const outcome = status === 'fail' ? 'failed' : status === 'unknown' ? 'skipped' : 'passed';
  const text = status === 'warn' ? `warning: ${evidence}` : evidence;
  return { group: id, name: subject ?? id, outcome, text } as const;
}

function gauge(results: readonly Checked[]) {
  return {
    name: 'mqctl_check_status',
    unit: null,
    help: 'One for the answer of a check, zero for the others.',
    points: results.flatMap(({ id, subject, status }) =>
      statuses.map((each) => ({
        labels: { check: id, ...(subject === null ? {} : { subject }), status: each },
        value: each === status ? 1 : 0,
      })),
    ),
  };
}
