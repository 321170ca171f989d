import assert from 'node:assert/strict';
import { isObject } from './random-records.ts';
import type { Ended } from './run-mqctl.ts';

/** What `produce -o json` says of a run. */
export interface ProduceReport {
  readonly produced: number;
  readonly failed: number;
  readonly unknown: number;
  readonly unsent: number;
  /** The last line that was sent. */
  readonly sentTo: number | null;
  readonly failures: readonly { readonly line: number; readonly status: string; readonly reason: string }[];
}

export function readReport({ stdout, stderr }: Ended): ProduceReport {
  const report: unknown = JSON.parse(stdout.toString());
  assert.ok(isObject(report), stderr);
  const { produced, failed, unknown, unsent, sentTo, failures } = report;
  assert.ok(typeof produced === 'number' && typeof failed === 'number', stderr);
  assert.ok(typeof unknown === 'number' && typeof unsent === 'number' && Array.isArray(failures), stderr);
  assert.ok(sentTo === null || typeof sentTo === 'number', stderr);
  return { produced, failed, unknown, unsent, sentTo, failures: failures.map(readFailure) };
}

function readFailure(failure: unknown): ProduceReport['failures'][number] {
  assert.ok(isObject(failure));
  const { line, status, reason } = failure;
  assert.ok(typeof line === 'number' && typeof status === 'string' && typeof reason === 'string');
  return { line, status, reason };
}

/** The values that are there, in their order. */
export function valuesOf({ stdout }: Ended): string[] {
  return stdout.toString().split('\n').slice(0, -1);
}
