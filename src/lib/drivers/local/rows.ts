import type { SQLOutputValue } from 'node:sqlite';

import { FailedError } from '../../errors.ts';

/** A row as `node:sqlite` gives it, integers as BigInt. */
export type Row = Readonly<Record<string, SQLOutputValue>>;

function wrong(column: string): FailedError {
  return new FailedError(`the database holds something unexpected in "${column}"`, { code: 'DAMAGED' });
}

/** Throws `FailedError` where the column is no integer. */
export function bigintOf(row: Row, column: string): bigint {
  const value = row[column];
  if (typeof value !== 'bigint') throw wrong(column);
  return value;
}

/** null for NULL. Throws `FailedError` where the column is no integer. */
export function bigintOrNull(row: Row, column: string): bigint | null {
  return row[column] === null ? null : bigintOf(row, column);
}

/** For counts and times, which stay below 2^53. */
export function numberOf(row: Row, column: string): number {
  return Number(bigintOf(row, column));
}

/** Throws `FailedError` where the column is no text. */
export function textOf(row: Row, column: string): string {
  const value = row[column];
  if (typeof value !== 'string') throw wrong(column);
  return value;
}

/** null for NULL. Throws `FailedError` where the column is no text. */
export function textOrNull(row: Row, column: string): string | null {
  return row[column] === null ? null : textOf(row, column);
}

/** null for NULL. Throws `FailedError` where the column is no BLOB. */
export function bytesOrNull(row: Row, column: string): Uint8Array | null {
  const value = row[column];
  if (value === null) return null;
  if (!(value instanceof Uint8Array)) throw wrong(column);
  return value;
}
