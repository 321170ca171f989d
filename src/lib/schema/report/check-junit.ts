import { pairName, verdictFor, type CheckReport, type CheckVerdict, type PairReport } from '../check.ts';
import type { Dialect } from '../finding.ts';
import { findingText, spotText } from './finding-text.ts';

/**
 * A test case for each version and direction, as the writer of JUnit takes them. What is not proved is skipped, or failed
 * where `strict` holds.
 */
export function checkCases(report: CheckReport, dialect: Dialect, strict: boolean) {
  return report.pairs.map((pair) => {
    const verdict = verdictFor({ ...report, pairs: [pair] }, dialect);
    return {
      group: report.proposed,
      name: pairName(report, pair),
      outcome: strict && verdict === 'not-proved' ? 'failed' : outcomes[verdict],
      text: pairText(pair, dialect),
    } as const;
  });
}

const outcomes = {
  compatible: 'passed',
  'not-proved': 'skipped',
  incompatible: 'failed',
} as const satisfies Record<CheckVerdict, string>;

function pairText({ findings, unproved }: PairReport, dialect: Dialect): string {
  const lines = [
    ...findings.map((finding) =>
      [
        `${finding.code}: ${findingText(finding, dialect)}`,
        spotText('reader', finding.reader),
        spotText('writer', finding.writer),
      ].join('\n  '),
    ),
    ...unproved.map((text) => `not proved: ${text}`),
  ];
  return lines.length === 0 ? 'compatible' : lines.join('\n');
}
