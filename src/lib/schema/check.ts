/** May this schema be shipped? Every version that the mode asks for, in every direction, with a witness for what breaks. */
import type { FormatEngine, Schema, WitnessSearch } from './engine.ts';
import type { DataVerdict, Dialect, Difference, Direction, Finding, Witness } from './finding.ts';
import { directionsOf, versionsFor, type CompatibilityMode } from './mode.ts';

export interface CheckRequest {
  readonly engine: FormatEngine;
  readonly proposed: Schema;
  /** Oldest first; none is no error: the first version is compatible with everything. */
  readonly versions: readonly Schema[];
  readonly mode: CompatibilityMode;
  readonly search: WitnessSearch;
}

/** One direction between the proposed schema and one version. */
export interface PairReport {
  readonly version: string;
  readonly direction: Direction;
  readonly findings: readonly Finding[];
  /** What could be neither proved nor refuted. */
  readonly unproved: readonly string[];
}

export interface CheckReport {
  readonly proposed: string;
  readonly mode: CompatibilityMode;
  readonly pairs: readonly PairReport[];
}

export type CheckVerdict = 'compatible' | 'not-proved' | 'incompatible';

/**
 * Every version that the mode looks at, in every direction that it asks for; no pairs where there are none of these. Throws the
 * signal's reason where it is aborted before a difference is looked at.
 */
export async function checkSchema(request: CheckRequest, signal: AbortSignal): Promise<CheckReport> {
  const { proposed, versions, mode } = request;
  const pairs: PairReport[] = [];
  for (const version of versionsFor(mode, versions))
    for (const direction of directionsOf(mode))
      pairs.push(await checkPair(request, version, direction, signal));
  return { proposed: proposed.source.name, mode, pairs };
}

async function checkPair(
  { engine, proposed, search }: CheckRequest,
  version: Schema,
  direction: Direction,
  signal: AbortSignal,
): Promise<PairReport> {
  const [reader, writer] = direction === 'backward' ? [proposed, version] : [version, proposed];
  const { differences, unproved } = engine.compare(reader, writer);
  const findings: Finding[] = [];
  for (const difference of differences) {
    signal.throwIfAborted();
    const data = await verdictOf(engine, reader, writer, difference, search);
    const { code, message, rejectedBy, suggestion } = difference;
    findings.push({
      code,
      direction,
      message,
      reader: difference.reader,
      writer: difference.writer,
      rejectedBy,
      data,
      suggestion,
    });
  }
  return { version: version.source.name, direction, findings, unproved };
}

async function verdictOf(
  engine: FormatEngine,
  reader: Schema,
  writer: Schema,
  difference: Difference,
  search: WitnessSearch,
): Promise<DataVerdict> {
  if (difference.data === 'compatible')
    return { kind: 'compatible', reason: 'no value can break by this: only the rule stands against it' };
  const witness = await engine.findWitness(reader, writer, difference, search);
  if (difference.data === 'json-form')
    return { kind: 'compatible', reason: `the bytes are read as before${jsonFormBreaks(witness)}` };
  return witness === null
    ? { kind: 'not-proved', reason: 'no value was found that breaks' }
    : { kind: 'breaks', witness };
}

function jsonFormBreaks(witness: Witness | null): string {
  return witness === null ? '' : `; not so ${JSON.stringify(witness.written)}, ${witness.detail}`;
}

/** `order.avsc reads what main:order.avsc writes`. */
export function pairName({ proposed }: CheckReport, { version, direction }: PairReport): string {
  const [reader, writer] = direction === 'backward' ? [proposed, version] : [version, proposed];
  return `${reader} reads what ${writer} writes`;
}

function findingsOf({ pairs }: CheckReport): readonly Finding[] {
  return pairs.flatMap(({ findings }) => findings);
}

/** Whether the registry of this dialect would take it. */
function rejects(report: CheckReport, dialect: Dialect): boolean {
  return findingsOf(report).some(({ rejectedBy }) => rejectedBy[dialect] !== undefined);
}

/** Whether data was seen to break. */
function breaks(report: CheckReport): boolean {
  return findingsOf(report).some(({ data }) => data.kind === 'breaks');
}

/** Incompatible where the dialect rejects it or a witness exists; not proved where something is left open. */
export function verdictFor(report: CheckReport, dialect: Dialect): CheckVerdict {
  if (rejects(report, dialect) || breaks(report)) return 'incompatible';
  const open =
    findingsOf(report).some(({ data }) => data.kind === 'not-proved') ||
    report.pairs.some(({ unproved }) => unproved.length > 0);
  return open ? 'not-proved' : 'compatible';
}
