import type { GroupBacklog, PartitionBacklog } from '../../drivers/driver.ts';
import { numbersEach, type LookToStore, type StoredLook } from '../../store/lag-samples.ts';
import type { Arrivals } from './report.ts';
import type { LagSample } from './status.ts';

/** The earlier looks at one group in one channel, the oldest first, and the present one as the last. */
export class GroupHistory {
  readonly looks: readonly StoredLook[];
  readonly #places = new Map<StoredLook, ReadonlyMap<string | null, number>>();

  /** `current` must be of the same group and channel as `earlier`. */
  constructor(earlier: readonly StoredLook[], current: StoredLook) {
    this.looks = [...sinceRemade(earlier, current), current];
  }

  /** The window of one partition: looks at which it was not there yet are left out. */
  samplesOf(partition: string | null): LagSample[] {
    return this.looks.flatMap((look) => {
      const place = this.#placesOf(look).get(partition);
      return place === undefined ? [] : [sampleAt(look, place)];
    });
  }

  /** The whole group, look by look; null where one of its partitions was unknown. */
  get totals(): LagSample[] {
    return this.looks.map((look) => ({
      at: look.at,
      committed: total(look, 0),
      end: total(look, 1),
      lag: total(look, 2),
      committedAt: null,
    }));
  }

  /** How many messages had ever come in, look by look: only differences say something. null where one was unknown. */
  get arrivals(): Arrivals[] {
    return this.looks.map((look) => ({ at: look.at, total: total(look, 1) ?? total(look, 4) }));
  }

  #placesOf(look: StoredLook): ReadonlyMap<string | null, number> {
    const found = this.#places.get(look);
    if (found !== undefined) return found;
    const places = new Map(look.partitions.map((partition, place) => [partition, place]));
    this.#places.set(look, places);
    return places;
  }
}

function total({ partitions, numbers }: StoredLook, which: number): number | null {
  let sum = 0;
  for (let place = 0; place < partitions.length; place++) sum += numbers[place * numbersEach + which] ?? NaN;
  return known(sum);
}

/** What is looked at of a group in a channel; `group` is null where nobody reads it, or the channel itself is consumed. */
export interface Seen extends Pick<GroupBacklog, 'group' | 'channel'> {
  readonly partitions: readonly Pick<
    PartitionBacklog,
    'partition' | 'committed' | 'end' | 'waiting' | 'arrived'
  >[];
}

/** What is kept of one answer of the broker. */
export function lookAt(entry: Seen, at: number): LookToStore {
  const numbers = new Float64Array(entry.partitions.length * numbersEach);
  for (const [place, { committed, end, waiting, arrived }] of entry.partitions.entries())
    numbers.set(
      [positionNumber(committed), positionNumber(end), waiting ?? NaN, NaN, arrived ?? NaN],
      place * numbersEach,
    );
  return {
    group: entry.group,
    channel: entry.channel,
    at,
    partitions: entry.partitions.map(({ partition }) => partition),
    numbers,
  };
}

/** Notes in a look when the group last committed to a partition. */
export function noteCommit(look: StoredLook, place: number, committedAt: number): void {
  look.numbers[place * numbersEach + 3] = committedAt;
}

function sampleAt({ at, numbers }: StoredLook, place: number): LagSample {
  const number = (which: number): number | null => known(numbers[place * numbersEach + which]);
  return { at, committed: number(0), end: number(1), lag: number(2), committedAt: number(3) };
}

/** An end that went back is another channel of the same name: what was seen of the old one says nothing. */
function sinceRemade(earlier: readonly StoredLook[], current: StoredLook): readonly StoredLook[] {
  const lowest = new Map<string | null, number>();
  for (const [place, partition] of current.partitions.entries())
    lowest.set(partition, current.numbers[place * numbersEach + 1] ?? NaN);
  let first = earlier.length;
  while (first > 0) {
    const look = earlier[first - 1];
    if (look === undefined || !continues(look, lowest)) break;
    first -= 1;
  }
  return earlier.slice(first);
}

/** Lowers `lowest` to the ends of this look. */
function continues({ partitions, numbers }: StoredLook, lowest: Map<string | null, number>): boolean {
  for (const [place, partition] of partitions.entries()) {
    const end = numbers[place * numbersEach + 1] ?? NaN;
    if (Number.isNaN(end)) continue;
    if (end > (lowest.get(partition) ?? NaN)) return false;
    lowest.set(partition, end);
  }
  return true;
}

function positionNumber(position: string | null): number {
  return position !== null && /^-?\d+$/.test(position) ? Number(position) : NaN;
}

function known(number: number | undefined): number | null {
  return number === undefined || Number.isNaN(number) ? null : number;
}
