/** May this schema be shipped? Every version that the mode asks for, in every direction, with a witness for what breaks. */
import type { FormatEngine, Schema } from './engine.ts';
import type { DataVerdict, Dialect, Difference, Direction, Finding } from './finding.ts';
import { directionsOf, versionsFor, type CompatibilityMode } from './mode.ts';

export interface CheckRequest {
  readonly engine: FormatEngine;
  readonly proposed: Schema;
  /** Oldest first; none is no error: the first version is compatible with everything. */
  readonly versions: readonly Schema[];
  readonly mode: CompatibilityMode;
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

export function checkSchema(request: CheckRequest): CheckReport {
  const { proposed, versions, mode } = request;
  const pairs = versionsFor(mode, versions).flatMap((version) =>
    directionsOf(mode).map((direction) => checkPair(request, version, direction)),
  );
  return { proposed: proposed.source.name, mode, pairs };
}

function checkPair({ engine, proposed }: CheckRequest, version: Schema, direction: Direction): PairReport {
  const [reader, writer] = direction === 'backward' ? [proposed, version] : [version, proposed];
  const { differences, unproved } = engine.compare(reader, writer);
  const findings = differences.map((difference) => ({
    ...difference,
    direction,
    data: verdictOf(difference),
  }));
  return { version: version.source.name, direction, findings, unproved };
}

function verdictOf(difference: Difference): DataVerdict {
  if (difference.data === 'compatible')
    return { kind: 'compatible', reason: 'no value can break by this: only the rule stands against it' };
  return { kind: 'not-proved', reason: 'no witness was searched for' };
}

export function findingsOf({ pairs }: CheckReport): readonly Finding[] {
  return pairs.flatMap(({ findings }) => findings);
}

/** Whether the registry of this dialect would take it. */
export function rejects(report: CheckReport, dialect: Dialect): boolean {
  return findingsOf(report).some(({ rejectedBy }) => rejectedBy[dialect] !== undefined);
}

/** Whether data was seen to break. */
export function breaks(report: CheckReport): boolean {
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
