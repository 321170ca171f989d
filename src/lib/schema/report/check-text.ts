import { pairName, verdictFor, type CheckReport, type PairReport } from '../check.ts';
import { dialects, type Dialect, type Finding, type Spot, type Witness } from '../finding.ts';
import { hexText, shortJson, spotText } from './finding-text.ts';
import type { ReportLine } from './report-line.ts';

/** The texts of the schemas that a report speaks of, by their names. */
export type Texts = ReadonlyMap<string, string>;

/** The report of `schema check` for people: each finding with excerpts, both answers, the witness and a change. */
export function checkText(report: CheckReport, dialect: Dialect, texts: Texts): readonly ReportLine[] {
  return [...pairsText(report, texts), conclusion(report, dialect)];
}

/** The same without a conclusion. */
export function pairsText(report: CheckReport, texts: Texts): readonly ReportLine[] {
  return report.pairs.flatMap((pair) => pairLines(report, pair, texts));
}

function pairLines(report: CheckReport, pair: PairReport, texts: Texts): ReportLine[] {
  const { findings, unproved } = pair;
  const title = pairName(report, pair);
  if (findings.length === 0 && unproved.length === 0) return [{ kind: 'good', text: `ok  ${title}` }];
  return [
    { kind: 'title', text: `${title}: ${count(findings.length, 'finding')}` },
    { kind: 'plain', text: '' },
    ...findings.flatMap((finding) => findingLines(finding, texts)),
    ...unproved.map((text): ReportLine => ({ kind: 'doubtful', text: `  not proved: ${text}` })),
  ];
}

function findingLines(finding: Finding, texts: Texts): ReportLine[] {
  return [
    { kind: 'bad', text: `  ${finding.code}  ${finding.message}` },
    ...excerpt('reader', finding.reader, texts),
    ...excerpt('writer', finding.writer, texts),
    ...dialects.map((dialect): ReportLine => {
      const rule = finding.rejectedBy[dialect];
      return rule === undefined
        ? { kind: 'good', text: `    ${dialect}: accepts it` }
        : { kind: 'bad', text: `    ${dialect}: rejects it (${rule})` };
    }),
    ...dataLines(finding),
    ...(finding.suggestion === null
      ? []
      : [{ kind: 'plain', text: `    instead: ${finding.suggestion}` } satisfies ReportLine]),
    { kind: 'plain', text: '' },
  ];
}

function excerpt(role: string, spot: Spot, texts: Texts): ReportLine[] {
  const { place, value } = spot;
  const at = `    ${spotText(role, spot)}`;
  if (place === null) return [{ kind: 'dim', text: value === null ? at : `${at}: ${value}` }];
  const line = texts.get(place.file)?.split('\n', place.line)[place.line - 1];
  const lines: ReportLine[] = [{ kind: 'dim', text: at }];
  if (line === undefined) return lines;
  const number = place.line.toString().padStart(7);
  // Of a schema in one long line only what is around the place.
  const from = Math.max(0, place.column - 1 - 60);
  const part = line.slice(from, from + 120).replaceAll('\t', ' ');
  lines.push({ kind: 'plain', text: `${number} | ${part}` });
  lines.push({ kind: 'bad', text: `${' '.repeat(7)} | ${' '.repeat(place.column - 1 - from)}^` });
  return lines;
}

function dataLines({ data }: Finding): ReportLine[] {
  switch (data.kind) {
    case 'compatible':
      return [{ kind: 'good', text: `    data: ${data.reason}` }];
    case 'not-proved':
      return [{ kind: 'doubtful', text: `    data: not proved: ${data.reason}` }];
    case 'breaks':
      return witnessLines(data.witness);
  }
}

function witnessLines({ written, bytes, outcome, read, detail }: Witness): ReportLine[] {
  const lines: ReportLine[] = [{ kind: 'bad', text: `    data: breaks, with ${shortJson(written)}` }];
  if (bytes !== null)
    lines.push({
      kind: 'dim',
      text: `      written as ${hexText(bytes)}`,
    });
  lines.push({
    kind: 'plain',
    text: outcome === 'refused' ? `      refused: ${detail}` : `      read as ${shortJson(read)}: ${detail}`,
  });
  return lines;
}

function conclusion(report: CheckReport, dialect: Dialect): ReportLine {
  const what = `${report.proposed}, ${report.mode}`;
  if (report.pairs.length === 0)
    return { kind: 'good', text: `compatible: ${what}: there is nothing to compare it to` };
  switch (verdictFor(report, dialect)) {
    case 'compatible':
      return { kind: 'good', text: `compatible: ${what}` };
    case 'not-proved':
      return { kind: 'doubtful', text: `not proved: ${what}` };
    case 'incompatible':
      return { kind: 'bad', text: `incompatible: ${what}` };
  }
}

function count(number: number, word: string): string {
  return `${number.toString()} ${word}${number === 1 ? '' : 's'}`;
}
