/** What a replay is, in `replay.json` of its job's folder: enough to go on with it. */
import { join } from 'node:path';
import { FailedError } from '../errors.ts';
import { readJsonFile, writeJsonFile } from '../store/json-file.ts';

const fileName = 'replay.json';
const version = 2;

/** What is published, frozen: from the first offset that was selected to the last one. */
export interface FrozenRange {
  /** null where the channel has no partitions. */
  readonly partition: string | null;
  readonly first: string;
  readonly last: string;
  readonly selected: number;
}

export interface ReplayHead {
  readonly source: { readonly target: string; readonly channel: string };
  readonly destination: { readonly target: string; readonly channel: string };
  /** As it was said: `orders@prod`. */
  readonly to: string;
  readonly filter: string | null;
  readonly keepPartition: boolean;
  readonly keepTimestamp: boolean;
  readonly ranges: readonly FrozenRange[];
  readonly selected: number;
  readonly bytes: number;
  /** What the destination's system has not got, by what it is: how many of those selected have it. */
  readonly leftOut: Readonly<Record<string, number>>;
}

/** Into a job's folder. Throws `FailedError` where it cannot be written. */
export async function writeReplayHead(folder: string, head: ReplayHead): Promise<void> {
  await writeJsonFile(join(folder, fileName), { version, ...head });
}

/** Throws `FailedError` for a file that is missing or not ours. */
export async function readReplayHead(folder: string): Promise<ReplayHead> {
  const path = join(folder, fileName);
  const fields = fieldsOf(await readJsonFile(path));
  const wrong = new FailedError(`${path} is no replay that this mqctl kept`, { code: 'DAMAGED' });
  const { to, filter, keepPartition, keepTimestamp, ranges, selected, bytes } = fields;
  const place = (name: string): { target: string; channel: string } => {
    const { target, channel } = fieldsOf(fields[name]);
    if (typeof target !== 'string' || typeof channel !== 'string') throw wrong;
    return { target, channel };
  };
  if (
    fields['version'] !== version ||
    typeof to !== 'string' ||
    !(filter === null || typeof filter === 'string') ||
    typeof keepPartition !== 'boolean' ||
    typeof keepTimestamp !== 'boolean' ||
    !Array.isArray(ranges) ||
    typeof selected !== 'number' ||
    typeof bytes !== 'number'
  )
    throw wrong;
  const items: readonly unknown[] = ranges;
  return {
    source: place('source'),
    destination: place('destination'),
    to,
    filter,
    keepPartition,
    keepTimestamp,
    selected,
    bytes,
    leftOut: Object.fromEntries(
      Object.entries(fieldsOf(fields['leftOut'])).map(([what, count]) => {
        if (typeof count !== 'number') throw wrong;
        return [what, count];
      }),
    ),
    ranges: items.map((item) => {
      const range = fieldsOf(item);
      const { partition, first, last } = range;
      if (!(partition === null || typeof partition === 'string')) throw wrong;
      if (typeof first !== 'string' || typeof last !== 'string') throw wrong;
      if (typeof range['selected'] !== 'number') throw wrong;
      return { partition, first, last, selected: range['selected'] };
    }),
  };
}

function fieldsOf(document: unknown): Readonly<Record<string, unknown>> {
  return typeof document === 'object' && document !== null
    ? Object.fromEntries(Object.entries(document))
    : {};
}
