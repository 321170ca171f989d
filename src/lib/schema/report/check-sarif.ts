/** The report of `schema check` as SARIF 2.1.0 (OASIS), which code hosts show beside the lines of a change. */
import { isAbsolute, normalize, sep } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { CheckReport, PairReport } from '../check.ts';
import type { Dialect, Finding, Spot } from '../finding.ts';
import { dataDocument } from './check-json.ts';
import { findingText, spotText } from './finding-text.ts';

export interface SarifTerms {
  readonly dialect: Dialect;
  /** What schemas that are files of the working folder are called; every other one came from a registry or a revision. */
  readonly files: ReadonlySet<string>;
  /** Of mqctl. */
  readonly toolVersion: string;
}

/** The part of SARIF's results that is written here. */
interface SarifResult {
  readonly ruleId: string;
  readonly ruleIndex: number;
  readonly level: 'error' | 'warning' | 'note';
  readonly message: { readonly text: string };
  readonly locations: readonly SarifLocation[];
  readonly relatedLocations?: readonly SarifLocation[];
  readonly properties: object;
}

interface SarifLocation {
  readonly id?: number;
  readonly message?: { readonly text: string };
  readonly physicalLocation: {
    readonly artifactLocation: { readonly uri: string; readonly description?: { readonly text: string } };
    /** Lines and columns count from 1. */
    readonly region?: { readonly startLine: number; readonly startColumn: number };
  };
  readonly logicalLocations?: readonly { readonly fullyQualifiedName: string }[];
}

/** The rule of what could be neither proved nor refuted, which has no code of a format. */
const notProved = 'NOT_PROVED';

/**
 * Each finding is a result at its spot in the proposed schema; that of the other version is a related location. `error`:
 * the dialect rejects it or data breaks; `warning`: not proved; `note`: only another registry rejects it.
 */
export function checkSarif(report: CheckReport, terms: SarifTerms) {
  const codes = [...new Set(report.pairs.flatMap(codesOf))].toSorted();
  const results = report.pairs.flatMap((pair): SarifResult[] => [
    ...pair.findings.map((finding) => findingResult(finding, pair.version, codes, terms)),
    ...pair.unproved.map((text): SarifResult => ({
      ...ruleOf(notProved, codes),
      level: 'warning',
      message: { text },
      locations: [{ physicalLocation: { artifactLocation: artifact(report.proposed, terms) } }],
      properties: { direction: pair.direction, version: pair.version },
    })),
  ]);
  return {
    $schema: 'https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json',
    version: '2.1.0',
    runs: [
      {
        tool: { driver: { name: 'mqctl', semanticVersion: terms.toolVersion, rules: codes.map(ruleText) } },
        columnKind: 'utf16CodeUnits',
        results,
      },
    ],
  };
}

function codesOf({ findings, unproved }: PairReport): string[] {
  return [...findings.map(({ code }) => code), ...(unproved.length > 0 ? [notProved] : [])];
}

function ruleOf(code: string, codes: readonly string[]) {
  return { ruleId: code, ruleIndex: codes.indexOf(code) };
}

function ruleText(code: string) {
  const words = code.toLowerCase().replaceAll('_', ' ');
  return {
    id: code,
    shortDescription: { text: words },
    fullDescription: { text: `Between two versions of a schema: ${words}.` },
    help: {
      text: 'An error is what the registry rejects or what breaks data, a warning was not proved, a note is rejected by another registry only.',
    },
  };
}

function findingResult(
  finding: Finding,
  version: string,
  codes: readonly string[],
  terms: SarifTerms,
): SarifResult {
  const { code, direction, reader, writer, rejectedBy, data } = finding;
  const [proposed, other, role] =
    direction === 'backward' ? [reader, writer, 'writer'] : [writer, reader, 'reader'];
  return {
    ...ruleOf(code, codes),
    level: levelOf(finding, terms.dialect),
    message: { text: findingText(finding, terms.dialect) },
    locations: [location(proposed, terms)],
    relatedLocations: [
      { id: 1, ...location(other, terms), message: { text: valueText(spotText(role, other), other) } },
    ],
    properties: { direction, version, rejectedBy, data: dataDocument(data) },
  };
}

function valueText(text: string, { value }: Spot): string {
  return value === null ? text : `${text}: ${value}`;
}

function levelOf({ rejectedBy, data }: Finding, dialect: Dialect): SarifResult['level'] {
  if (rejectedBy[dialect] !== undefined || data.kind === 'breaks') return 'error';
  return data.kind === 'not-proved' ? 'warning' : 'note';
}

function location({ schema, pointer, place }: Spot, terms: SarifTerms): SarifLocation {
  return {
    physicalLocation: {
      artifactLocation: artifact(place?.file ?? schema, terms),
      ...(place === null ? {} : { region: { startLine: place.line, startColumn: place.column } }),
    },
    ...(pointer === '' ? {} : { logicalLocations: [{ fullyQualifiedName: pointer }] }),
  };
}

/** A file by its path, relative ones to where mqctl ran; what is no file by a URI that no viewer takes for one. */
function artifact(
  name: string,
  { files }: SarifTerms,
): SarifLocation['physicalLocation']['artifactLocation'] {
  if (!files.has(name)) return { uri: `schema:${encodeURIComponent(name)}`, description: { text: name } };
  if (isAbsolute(name)) return { uri: pathToFileURL(name).href };
  return { uri: normalize(name).split(sep).map(encodeURIComponent).join('/') };
}
