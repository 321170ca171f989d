/**
 * Where a group stood before it was set, in `positions.json` of the job's folder. It is on the disk before the first position is
 * set, so that what was cut short can be undone.
 */
import { join } from 'node:path';
import type { PositionChange } from '../drivers/driver.ts';
import { FailedError } from '../errors.ts';
import { readJsonFile, writeJsonFile } from '../store/json-file.ts';

const fileName = 'positions.json';
const version = 1;

export interface KeptPositions {
  readonly group: string;
  /** The job that this one puts back; null: it puts nothing back. */
  readonly undoes: string | null;
  /** Each as it was. */
  readonly before: readonly PositionChange[];
}

/** Writes what was there into a job's folder: before the first position is set. */
export async function keepPositions(folder: string, kept: KeptPositions): Promise<void> {
  await writeJsonFile(join(folder, fileName), { version, ...kept });
}

/** null where nothing was kept: then nothing was set either. Throws `FailedError` for a file that is not ours. */
export async function readKeptPositions(folder: string): Promise<KeptPositions | null> {
  const path = join(folder, fileName);
  const document = await readJsonFile(path);
  if (document === undefined) return null;
  const fields = fieldsOf(document);
  const { group, undoes, before } = fields;
  if (typeof group !== 'string' || !Array.isArray(before) || fields['version'] !== version)
    throw damaged(path);
  const items: readonly unknown[] = before;
  return {
    group,
    undoes: typeof undoes === 'string' ? undoes : null,
    before: items.map((item) => {
      const { channel, partition, position, metadata } = fieldsOf(item);
      if (
        typeof channel !== 'string' ||
        !isTextOrNull(partition) ||
        !isTextOrNull(position) ||
        !isTextOrNull(metadata)
      )
        throw damaged(path);
      return { channel, partition, position, metadata };
    }),
  };
}

function fieldsOf(document: unknown): Readonly<Record<string, unknown>> {
  return typeof document === 'object' && document !== null
    ? Object.fromEntries(Object.entries(document))
    : {};
}

function isTextOrNull(value: unknown): value is string | null {
  return value === null || typeof value === 'string';
}

function damaged(path: string): FailedError {
  return new FailedError(`${path} holds no positions that this mqctl kept`, { code: 'DAMAGED' });
}
