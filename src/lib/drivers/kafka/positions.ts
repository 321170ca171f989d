import { FailedError } from '../../errors.ts';
import type { CommittedPosition, GroupPositions } from '../driver.ts';
import { committedOffsets } from './committed-offsets.ts';
import { namedGroups } from './group-directory.ts';
import { partitionBounds, placeKey } from './partition-bounds.ts';
import type { Session } from './session.ts';

/** Where groups stand. Asks the coordinator, joins nothing. */
export class KafkaPositions implements GroupPositions {
  readonly #session: Session;

  constructor(session: Session) {
    this.#session = session;
  }

  async read(group: string, signal: AbortSignal): Promise<readonly CommittedPosition[]> {
    const known = await namedGroups(this.#session, [group], signal);
    const { offsets, silent } = await committedOffsets(this.#session, known, signal);
    const committed = offsets.get(group);
    if (committed === undefined) {
      throw (
        silent.get(group) ??
        new FailedError(`the coordinator of group "${group}" said nothing about it`, { retriable: true })
      );
    }
    const names = [...new Set(committed.map(({ topic }) => topic))];
    const { topics } = await this.#session.metadata(names, signal);
    const { bounds } = await partitionBounds(this.#session, committed, topics, signal);
    return committed
      .map((each) => {
        const { start = null, end = null } = bounds.get(placeKey(each)) ?? {};
        return {
          channel: each.topic,
          partition: each.partition,
          committed: text(each.committed),
          start: text(start),
          end: text(end),
          metadata: each.metadata,
        };
      })
      .sort((one, other) =>
        one.channel === other.channel
          ? one.partition - other.partition
          : one.channel < other.channel
            ? -1
            : 1,
      )
      .map((position) => ({ ...position, partition: String(position.partition) }));
  }
}

function text(offset: bigint | null): string | null {
  return offset === null ? null : String(offset);
}
