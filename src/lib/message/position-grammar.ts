/**
 * The one grammar of positions, for `--from`, `--until` and `--to`:
 *
 *     start | earliest | beginning   [±N]     the first message that is kept
 *     end | latest                   [±N]     after the last one
 *     current                        [±N]     where the group that is reset stands (reset only)
 *     N                                       an offset
 *     after:N                                 behind the message of that offset
 *     id:VALUE                                the system's own id
 *     @2026-11-20T10:00:00Z                   a time, RFC 3339
 *     @2026-11-20                             that day's beginning, UTC
 *     @-1h                                    so long ago (@+1h: ahead)
 *     group:NAME                     [:±N]    where that group stands
 *     P:POSITION,P:POSITION…                  one for each partition, P as `describe` prints it
 *
 * A group's name may itself end like a shift (`orders-2`), and taking it for one would silently mean another group. So
 * the name is everything after `group:`, and the shift of a group stands behind a colon: `group:orders-2:-100`.
 *
 * The part before the first colon is a partition, except `after`, `id`, `group` and what begins with `@`. Only in the form by
 * partition does a comma separate, so an id or a group's name with a comma can be said only for all partitions.
 */
import { UsageError } from '../errors.ts';
import { parseDuration } from '../input/duration.ts';
import { nearest } from '../nearest.ts';
import type { Position, Positions } from './position.ts';
import { isDate, parseRfc3339 } from './time.ts';

type Mark = 'start' | 'end' | 'current';

const marks: ReadonlyMap<string, Mark> = new Map([
  ['start', 'start'],
  ['earliest', 'start'],
  ['beginning', 'start'],
  ['end', 'end'],
  ['latest', 'end'],
  ['current', 'current'],
]);

const accepted =
  'write start, end-100, an offset such as 42, after:42, id:VALUE, @-1h, @2026-11-20T10:00:00Z or group:NAME';

/** One position. `now` is what `@-1h` counts from, milliseconds since 1970. Throws `UsageError`. */
export function parsePosition(text: string, now: number = Date.now()): Position {
  if (/^\d+$/.test(text)) return { kind: 'offset', offset: withoutZeros(text) };
  if (/^after:\d+$/.test(text)) return { kind: 'after', offset: withoutZeros(text.slice('after:'.length)) };
  if (text.startsWith('@')) return { kind: 'time', time: parseTime(text, now) };
  if (text.startsWith('id:')) return { kind: 'id', id: nonEmpty(text.slice('id:'.length), text) };
  if (text.startsWith('group:')) return parseGroup(text);
  return parseMark(text);
}

/** One position for all partitions, or `P:POSITION,…` for some. Throws `UsageError`. */
export function parsePositions(text: string, now: number = Date.now()): Positions {
  if (!/^(?!after:|id:|group:|@)[^:]+:/.test(text)) return { every: parsePosition(text, now) };
  const byPartition = new Map<string, Position>();
  for (const item of text.split(',')) {
    const colon = item.indexOf(':');
    if (colon <= 0)
      throw new UsageError(`${JSON.stringify(item)} in ${JSON.stringify(text)} names no partition`, {
        hint: 'write one for each partition: 0:42,1:end-100',
      });
    const partition = item.slice(0, colon);
    if (byPartition.has(partition))
      throw new UsageError(`${JSON.stringify(text)} names the partition ${partition} twice`);
    byPartition.set(partition, parsePosition(item.slice(colon + 1), now));
  }
  return { byPartition };
}

/** However many digits it has: to read a number of millions would take minutes. */
function withoutZeros(digits: string): string {
  return digits.replace(/^0+(?=\d)/, '');
}

function parseMark(text: string): Position {
  const parts = /^([a-z]+)([+-]\d{1,40})?$/.exec(text);
  const kind = marks.get(parts?.[1] ?? '');
  if (parts === null || kind === undefined) throw noPosition(text);
  return { kind, shift: parseShift(parts[2]) };
}

function parseGroup(text: string): Position {
  const parts = /^group:(.*?)(?::([+-]\d{1,40}))?$/s.exec(text);
  return { kind: 'group', group: nonEmpty(parts?.[1] ?? '', text), shift: parseShift(parts?.[2]) };
}

function parseShift(shift: string | undefined): bigint {
  return BigInt(shift?.replace(/^\+/, '') ?? '0');
}

function parseTime(text: string, now: number): number {
  const said = text.slice(1);
  const sign = said[0];
  if (sign === '-' || sign === '+') {
    const distance = parseDuration(said.slice(1));
    return sign === '-' ? now - distance : now + distance;
  }
  const day = /^(\d{4})-(\d\d)-(\d\d)$/.exec(said);
  if (day !== null && isDate(Number(day[1]), Number(day[2]), Number(day[3])))
    return Date.parse(`${said}T00:00:00Z`);
  const time = parseRfc3339(said);
  if (time !== null) return time;
  throw new UsageError(`${JSON.stringify(text)} is no time`, {
    hint: /T\d\d:\d\d(:\d\d(\.\d+)?)?$/.test(said)
      ? 'say in which zone, with seconds: @2026-11-20T10:00:00Z or @2026-11-20T10:00:00+01:00'
      : 'write @2026-11-20T10:00:00Z (RFC 3339), @2026-11-20 (UTC), or @-1h',
  });
}

function nonEmpty(value: string, text: string): string {
  if (value === '') throw noPosition(text);
  return value;
}

function noPosition(text: string): UsageError {
  const what = `${JSON.stringify(text)} is no position`;
  if (/^-\d+$/.test(text)) return new UsageError(what, { hint: `for the last ones write end${text}` });
  const word = nearest(text.replace(/[+-]\d+$/, ''), [...marks.keys()]);
  return new UsageError(what, { hint: word === null ? accepted : `did you mean "${word}"?` });
}
