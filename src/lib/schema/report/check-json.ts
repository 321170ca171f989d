import { verdictFor, type CheckReport, type CheckVerdict } from '../check.ts';
import { dialects, type DataVerdict, type Dialect } from '../finding.ts';

/** The report of `schema check` as one document. Bytes are base64. */
export function checkDocument(report: CheckReport) {
  const byDialect = (dialect: Dialect): [Dialect, CheckVerdict] => [dialect, verdictFor(report, dialect)];
  return {
    proposed: report.proposed,
    mode: report.mode,
    verdict: Object.fromEntries(dialects.map(byDialect)),
    pairs: report.pairs.map(({ findings, ...pair }) => ({
      ...pair,
      findings: findings.map((finding) => ({ ...finding, data: dataDocument(finding.data) })),
    })),
  };
}

/** Bytes are base64. */
export function dataDocument(data: DataVerdict) {
  if (data.kind !== 'breaks') return data;
  const { bytes } = data.witness;
  const base64 = bytes === null ? null : Buffer.from(bytes).toString('base64');
  return { ...data, witness: { ...data.witness, bytes: base64 } };
}
