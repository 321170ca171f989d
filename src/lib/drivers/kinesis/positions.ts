/** The one grammar of positions, as places in shards. */
import { NotFoundError, UsageError } from '../../errors.ts';
import type { Position, Positions } from '../../message/position.ts';
import type { Bound } from './bound.ts';
import type { Place } from './place.ts';
import type { Shard } from './streams.ts';
import { shellLine } from '../../shell-line.ts';

/** Where a group stands in a stream, by shard. Throws `NotFoundError`. */
export type PlacesOfGroup = (group: string) => Promise<ReadonlyMap<string, Place>>;

/**
 * Where each shard is read from: those that are not in it are left alone, or read from their start when they came of one that
 * is. `only`: the shards that were asked for; null: all. Throws `NotFoundError` for a shard, `UsageError` for a position that
 * makes no sense here.
 */
export async function placesFor(
  positions: Positions,
  shards: readonly Shard[],
  only: readonly string[] | null,
  stream: string,
  ofGroup: PlacesOfGroup,
): Promise<ReadonlyMap<string, Place>> {
  requireShards(shards, only ?? [], stream);
  const scope = shards.filter(({ shard }) => only === null || only.includes(shard));
  if ('byPartition' in positions) {
    requireShards(shards, positions.byPartition.keys(), stream);
    const places = new Map<string, Place>();
    for (const { shard, closed } of scope) {
      const position = positions.byPartition.get(shard);
      if (position === undefined) continue;
      const place = await placeOf(position, shard, closed, ofGroup);
      if (place !== null) places.set(shard, place);
    }
    return places;
  }
  const { every } = positions;
  if (every.kind === 'offset' || every.kind === 'after') {
    const one = holderOf(every.offset, scope, stream);
    return new Map([[one.shard, sequencePlace(every.kind, every.offset)]]);
  }
  const places = new Map<string, Place>();
  for (const { shard, closed } of scope) {
    const place = await placeOf(every, shard, closed, ofGroup);
    if (place !== null) places.set(shard, place);
  }
  return places;
}

/** Where each shard is no longer read, exclusive. Throws as `placesFor` does. */
export async function boundsFor(
  until: Positions,
  shards: readonly Shard[],
  only: readonly string[] | null,
  stream: string,
  ofGroup: PlacesOfGroup,
): Promise<ReadonlyMap<string, Bound>> {
  const places = await placesFor(until, shards, only, stream, ofGroup);
  const bounds = new Map<string, Bound>();
  for (const [shard, place] of places) {
    if (place.kind === 'start') bounds.set(shard, { kind: 'sequence', before: 0n });
    if (place.kind === 'at') bounds.set(shard, { kind: 'sequence', before: BigInt(place.sequence) });
    if (place.kind === 'after') bounds.set(shard, { kind: 'sequence', before: BigInt(place.sequence) + 1n });
    if (place.kind === 'time') bounds.set(shard, { kind: 'time', before: place.at });
  }
  return bounds;
}

/** null: this shard is not read there. */
async function placeOf(
  position: Position,
  shard: string,
  closed: boolean,
  ofGroup: PlacesOfGroup,
): Promise<Place | null> {
  if ('shift' in position && position.shift !== 0n)
    throw new UsageError('sequence numbers of Kinesis cannot be counted from: there is no ±N', {
      hint: 'write start, end, a time such as @-1h, SEQUENCE-NUMBER or after:SEQUENCE-NUMBER',
    });
  switch (position.kind) {
    case 'start':
      return { kind: 'start' };
    case 'end':
      return closed ? null : { kind: 'end' };
    case 'offset':
    case 'after':
      return sequencePlace(position.kind, position.offset);
    case 'time':
      return { kind: 'time', at: position.time };
    case 'group':
      return (await ofGroup(position.group)).get(shard) ?? null;
    case 'current':
      throw new UsageError('"current" is where the group that is reset stands: it has no meaning here');
    case 'id':
      throw new UsageError('records of Kinesis have no ids', {
        hint: 'name the shard and the sequence number: SHARD:SEQUENCE-NUMBER',
      });
  }
}

function sequencePlace(kind: 'offset' | 'after', sequence: string): Place {
  return { kind: kind === 'offset' ? 'at' : 'after', sequence };
}

/** The one shard that can hold this sequence number. */
function holderOf(sequence: string, scope: readonly Shard[], stream: string): Shard {
  const number = BigInt(sequence);
  const candidates = scope.filter(
    ({ firstSequence, lastSequence }) =>
      BigInt(firstSequence) <= number && (lastSequence === null || number <= BigInt(lastSequence)),
  );
  const [one, ...others] = candidates.length === 0 && scope.length === 1 ? scope : candidates;
  if (one !== undefined && others.length === 0) return one;
  if (one === undefined)
    throw new UsageError(`no shard of "${stream}" can hold the sequence number ${sequence}`, {
      hint: shellLine`"mqctl describe ${stream}" shows which shards there are`,
    });
  throw new UsageError(
    `a sequence number belongs to one shard, and ${String(candidates.length)} of "${stream}" may hold this one`,
    { hint: `say which: ${one.shard}:${sequence}, or --partition ${one.shard}` },
  );
}

function requireShards(shards: readonly Shard[], names: Iterable<string>, stream: string): void {
  const known = new Set(shards.map(({ shard }) => shard));
  for (const name of names)
    if (!known.has(name))
      throw new NotFoundError('shard', name, `"${stream}"`, {
        hint: shellLine`it has ${String(shards.length)}, as "mqctl describe ${stream}" shows`,
      });
}
