/** How far behind groups of this machine are, and any position: in time, since Kinesis counts no records. */
import { FailedError } from '../../errors.ts';
import type { Positions } from '../../message/position.ts';
import type { Backlog, GroupBacklog, GroupMember, PartitionBacklog } from '../driver.ts';
import type { GroupStore, Standing } from './group-store.ts';
import { placeText } from './place.ts';
import type { Place } from './place.ts';
import { placesFor } from './positions.ts';
import type { ReadPace } from './read-pace.ts';
import type { Session } from './session.ts';
import { ShardLineage } from './shard-lineage.ts';
import { ShardReader } from './shard-reader.ts';
import { shardsOf, streamNamed } from './streams.ts';
import type { Shard } from './streams.ts';

const shardsAtOnce = 8;
/** Empty answers in a row that are read through: Kinesis gives some where records are far apart. */
const mostEmpty = 20;
const hourMs = 3_600_000;

export class KinesisBacklog implements Backlog {
  readonly #session: Session;
  readonly #pace: ReadPace;
  readonly #store: GroupStore;

  constructor(session: Session, pace: ReadPace, store: GroupStore) {
    this.#session = session;
    this.#pace = pace;
    this.#store = store;
  }

  async read(
    {
      groups,
      channels,
    }: { readonly groups: readonly string[] | null; readonly channels: readonly string[] | null },
    signal: AbortSignal,
  ): Promise<readonly GroupBacklog[]> {
    for (const channel of channels ?? []) await streamNamed(this.#session, channel, signal);
    const known = await this.#store.all();
    for (const group of groups ?? [])
      if (!known.some((standing) => standing.group === group)) throw this.#store.missing(group);
    const wanted = known.filter(
      ({ group, stream }) =>
        (groups === null || groups.includes(group)) && (channels === null || channels.includes(stream)),
    );
    const found: GroupBacklog[] = [];
    for (const standing of wanted) found.push(await this.#ofGroup(standing, signal));
    return found;
  }

  async readFrom(channel: string, from: Positions, signal: AbortSignal): Promise<GroupBacklog> {
    const shards = await shardsOf(this.#session, channel, signal);
    const ofGroup = async (group: string) => this.#store.places(group, channel);
    const places = await placesFor(from, shards, null, channel, ofGroup);
    return this.#behind({ group: null, stream: channel, kind: 'position', places }, shards, null, signal);
  }

  async #ofGroup(standing: Standing, signal: AbortSignal): Promise<GroupBacklog> {
    const shards = await shardsOf(this.#session, standing.stream, signal);
    const member = await this.#store.member(standing);
    return this.#behind({ ...standing, kind: 'mqctl' }, shards, member, signal);
  }

  async #behind(
    {
      group,
      stream,
      kind,
      places,
    }: Omit<Standing, 'group'> & { readonly group: string | null; readonly kind: string },
    shards: readonly Shard[],
    member: GroupMember | null,
    signal: AbortSignal,
  ): Promise<GroupBacklog> {
    const { retentionHours } = await streamNamed(this.#session, stream, signal);
    const lineage = new Set(new ShardLineage(shards, places, true).shards);
    const read = shards.filter(({ shard }) => lineage.has(shard) && places.get(shard)?.kind !== 'done');
    const partitions: PartitionBacklog[] = [];
    for (let index = 0; index < read.length; index += shardsAtOnce)
      partitions.push(
        ...(await Promise.all(
          read.slice(index, index + shardsAtOnce).map(async (shard) => {
            const place = places.get(shard.shard) ?? null;
            const behind = await this.#behindIn(stream, shard, place, signal);
            return {
              ...behind,
              partition: shard.shard,
              committed: place === null ? null : placeText(place),
              start: shard.firstSequence,
              end: shard.lastSequence,
              inFlight: null,
              owner: member?.id ?? null,
              rateIn: null,
              rateOut: null,
              lost: null,
              retentionMs: retentionHours * hourMs,
            };
          }),
        )),
      );
    // A closed shard that was read to its end is history.
    const open = new Set(shards.flatMap(({ shard, closed }) => (closed ? [] : [shard])));
    return {
      group,
      channel: stream,
      kind,
      state: member === null ? null : 'active',
      members: group === null ? null : member === null ? 0 : 1,
      partitions: partitions.filter(({ partition, waiting }) => open.has(partition ?? '') || waiting !== 0),
      approximate: false,
      boundedBySize: false,
      notYetCounted: false,
      unknown: ['waiting: Kinesis counts no records, it tells how far behind the newest one a place is'],
      unreachable: [],
    };
  }

  /** One record is read there: the oldest that waits. Without one, what AWS says of how far behind it is. */
  async #behindIn(
    stream: string,
    { shard }: Shard,
    place: Place | null,
    signal: AbortSignal,
  ): Promise<Pick<PartitionBacklog, 'waiting' | 'oldest'>> {
    if (place?.kind === 'end') return { waiting: 0, oldest: null };
    const from = place === null || place.kind === 'done' ? ({ kind: 'start' } as const) : place;
    const reader = new ShardReader({ session: this.#session, pace: this.#pace, stream, shard }, from, signal);
    for (let empty = 0; empty < mostEmpty; empty++) {
      const { messages, behindMs, ended } = await reader.next(1);
      const at = messages[0]?.timestamp;
      if (at !== undefined) return { waiting: null, oldest: at === null ? null : { at, clock: 'broker' } };
      if (behindMs === 0 || ended) return { waiting: 0, oldest: null };
      if (empty === mostEmpty - 1)
        return { waiting: null, oldest: { at: Date.now() - behindMs, clock: 'broker' } };
    }
    throw new FailedError(`the shard "${shard}" of "${stream}" could not be read`);
  }
}
