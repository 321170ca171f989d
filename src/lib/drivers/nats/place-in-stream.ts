/** From a position of the one grammar to a sequence of a stream. */
import { NotFoundError, UsageError } from '../../errors.ts';
import type { Position, Positions } from '../../message/position.ts';
import { consumerNamed } from './consumers.ts';
import type { Session } from './session.ts';
import { firstStored } from './stored-messages.ts';
import type { StreamPlace } from './streams.ts';

/** A stream has one order: there are no partitions to name. Throws `NotFoundError`, `UsageError`. */
export function only(positions: Positions, channel: string): Position {
  if ('every' in positions) return positions.every;
  const [partition = ''] = positions.byPartition.keys();
  throw new NotFoundError('partition', partition, `"${channel}"`, {
    hint: 'a stream has none: leave it out',
  });
}

/** The sequence of the first message meant; behind the end where nothing is. Throws `UsageError`, `NotFoundError`. */
export async function sequenceOf(
  session: Session,
  place: StreamPlace,
  position: Position,
  current: number | null,
  signal: AbortSignal,
): Promise<number> {
  const { info, filter, channel } = place;
  const first = Math.max(1, info.state.first_seq);
  const end = info.state.last_seq + 1;
  switch (position.kind) {
    case 'start':
      return position.shift <= 0n
        ? shifted(first, position.shift)
        : fromStart(session, place, first, end, position.shift, signal);
    case 'end':
      return position.shift >= 0n
        ? shifted(end, position.shift)
        : fromEnd(session, place, first, end, -position.shift, signal);
    case 'offset': {
      if (!/^\d{1,15}$/.test(position.offset))
        throw new UsageError(`"${position.offset}" is no sequence of a stream`, {
          hint: 'a whole number is',
        });
      return Number(position.offset);
    }
    case 'after':
      return (
        (await sequenceOf(session, place, { kind: 'offset', offset: position.offset }, current, signal)) + 1
      );
    case 'time': {
      const found = await firstStored(session, info, filter, { time: position.time }, signal);
      return found?.message.seq ?? end;
    }
    case 'group': {
      const consumer = await consumerNamed(session, position.group, info.config.name, signal);
      return shifted(consumer.ack_floor.stream_seq + 1, position.shift);
    }
    case 'current':
      if (current === null) throw new UsageError('"current" is where a group stands that is reset');
      return shifted(current, position.shift);
    case 'id':
      throw new UsageError(`messages of "${channel}" have no ids to begin at`, {
        hint: 'use a sequence, or a time: @-1h',
      });
  }
}

function shifted(sequence: number, shift: bigint): number {
  return sequence + Number(shift);
}

/** Where nothing was deleted and every subject counts, a difference; else a search by what the server counts. */
async function fromStart(
  session: Session,
  place: StreamPlace,
  first: number,
  end: number,
  count: bigint,
  signal: AbortSignal,
): Promise<number> {
  if (isDense(place, first, end)) return shifted(first, count);
  const start = await firstStored(session, place.info, place.filter, { seq: first }, signal);
  if (start === null) return end;
  if (start.pending === null) return shifted(first, count);
  return ranked(session, place, first, end, BigInt(start.pending) + 1n - count, signal);
}

async function fromEnd(
  session: Session,
  place: StreamPlace,
  first: number,
  end: number,
  count: bigint,
  signal: AbortSignal,
): Promise<number> {
  if (isDense(place, first, end)) return shifted(end, -count);
  return ranked(session, place, first, end, count, signal);
}

function isDense({ info, filter }: StreamPlace, first: number, end: number): boolean {
  return filter === null && info.state.messages === end - first;
}

/** The message with `count - 1` behind it: the more behind, the earlier. */
async function ranked(
  session: Session,
  { info, filter, channel }: StreamPlace,
  first: number,
  end: number,
  count: bigint,
  signal: AbortSignal,
): Promise<number> {
  if (count <= 0n) return end;
  let [low, high] = [first, end];
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const found = await firstStored(session, info, filter, { seq: middle }, signal);
    if (found !== null && found.pending === null)
      throw new UsageError(
        `messages of "${channel}" cannot be counted from an end: it allows no direct reads`,
        {
          hint: 'begin at a sequence or a time, or set allow_direct=true',
        },
      );
    const left = found === null ? 0n : BigInt(found.pending ?? 0) + 1n;
    if (left > count) low = (found?.message.seq ?? middle) + 1;
    else high = middle;
  }
  return low;
}
