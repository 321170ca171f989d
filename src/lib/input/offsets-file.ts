/**
 * Positions in a file: the CSV that `kafka-consumer-groups --export` writes and `--from-file` reads
 *
 *     topic,partition,offset            or            group,topic,partition,offset
 *
 * and the JSON that `offsets export -o json` writes.
 */
import { UsageError } from '../errors.ts';
import { parsePosition } from '../message/position-grammar.ts';
import type { Position } from '../message/position.ts';

export interface FiledPosition {
  /** null: the file names no groups. */
  readonly group: string | null;
  readonly channel: string;
  /** null: the channel has none; an empty field in CSV. */
  readonly partition: string | null;
  readonly position: Position;
  /** For errors: `line 7`. */
  readonly where: string;
}

/** JSON where it begins like it, else CSV. Throws `UsageError` that names the line. */
export function parseOffsetsFile(text: string, name: string): readonly FiledPosition[] {
  const filed = /^\s*\{/.test(text) ? fromJson(text, name) : fromCsv(text, name);
  if (filed.length === 0) throw new UsageError(`${name} holds no positions`);
  const seen = new Map<string, string>();
  for (const { group, channel, partition, where } of filed) {
    const key = JSON.stringify([group, channel, partition]);
    const before = seen.get(key);
    if (before !== undefined)
      throw new UsageError(
        `${name}, ${where}: ${placeText(channel, partition)} is named in ${before} already`,
      );
    seen.set(key, where);
  }
  return filed;
}

/** A group, a topic and two numbers have far less. */
const longestLine = 64 * 1024;

function fromCsv(text: string, name: string): FiledPosition[] {
  let width = 0;
  return text
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)
    .flatMap((line, index) => {
      if (line.trim() === '') return [];
      const where = `line ${String(index + 1)}`;
      if (line.length > longestLine)
        throw new UsageError(`${name}, ${where}: it is longer than ${String(longestLine)} characters`);
      const fields = csvFields(line);
      if (fields === null) throw new UsageError(`${name}, ${where}: a quote is not closed`);
      if (fields.length !== 3 && fields.length !== 4)
        throw new UsageError(
          `${name}, ${where}: ${String(fields.length)} fields in ${JSON.stringify(line)}`,
          {
            hint: 'write topic,partition,offset or group,topic,partition,offset',
          },
        );
      width ||= fields.length;
      if (fields.length !== width)
        throw new UsageError(
          `${name}, ${where}: ${String(fields.length)} fields, where the lines before have ${String(width)}`,
        );
      const [offset = '', partition = '', channel = '', group = null] = fields.toReversed();
      const place = { group, channel, partition: partition === '' ? null : partition };
      return [filedPosition({ ...place, offset }, name, where)];
    });
}

/** The fields of one line (RFC 4180); null where a quote is not closed. */
function csvFields(line: string): string[] | null {
  const fields: string[] = [];
  const field = /(?:"((?:[^"]|"")*)"|([^",]*))(,|$)/y;
  for (;;) {
    const found = field.exec(line);
    if (found === null) return null;
    fields.push(found[1]?.replaceAll('""', '"') ?? (found[2] ?? '').trim());
    if (found[3] === '') return fields;
  }
}

function fromJson(text: string, name: string): FiledPosition[] {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch (error) {
    throw new UsageError(`${name} is no JSON: ${error instanceof Error ? error.message : ''}`, {
      cause: error,
    });
  }
  const { group, offsets } = fieldsOf(document);
  if (!Array.isArray(offsets))
    throw new UsageError(`${name} has no list "offsets"`, {
      hint: 'mqctl offsets export -o json writes one',
    });
  const items: readonly unknown[] = offsets;
  return items.flatMap((item, index) => {
    const where = `offset ${String(index + 1)} of the list`;
    const { channel, partition, committed } = fieldsOf(item);
    if (committed === null) return []; // nothing is committed there: nothing to be set
    const hasPartition = typeof partition === 'string' || partition === null;
    if (typeof channel !== 'string' || !hasPartition || typeof committed !== 'string')
      throw new UsageError(`${name}, ${where}: channel, partition and committed are texts`);
    return [
      filedPosition(
        { group: typeof group === 'string' ? group : null, channel, partition, offset: committed },
        name,
        where,
      ),
    ];
  });
}

function filedPosition(
  { offset, ...place }: Omit<FiledPosition, 'position' | 'where'> & { readonly offset: string },
  name: string,
  where: string,
): FiledPosition {
  if (place.channel === '') throw new UsageError(`${name}, ${where}: the channel is missing`);
  // The id of an entry stands where others have an offset.
  if (/^\d+-\d+$/.test(offset)) return { ...place, position: { kind: 'offset', offset }, where };
  let position: Position;
  try {
    position = parsePosition(offset);
  } catch (error) {
    throw new UsageError(`${name}, ${where}: ${JSON.stringify(offset)} is no offset`, { cause: error });
  }
  if (position.kind !== 'offset' && position.kind !== 'id')
    throw new UsageError(`${name}, ${where}: ${JSON.stringify(offset)} is no offset`);
  return { ...place, position, where };
}

function placeText(channel: string, partition: string | null): string {
  return partition === null ? channel : `${channel}:${partition}`;
}

function fieldsOf(document: unknown): Readonly<Record<string, unknown>> {
  return typeof document === 'object' && document !== null
    ? Object.fromEntries(Object.entries(document))
    : {};
}
