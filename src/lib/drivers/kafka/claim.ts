import type { Claim, Claiming, ClaimRequest } from '../driver.ts';
import { KafkaClaiming } from './claiming.ts';
import { ExclusiveHolding, GroupHolding } from './holding.ts';
import { OffsetResolver } from './offset-resolver.ts';
import { GroupRecord, ResolvedRecord } from './resolved-record.ts';
import type { Session } from './session.ts';

/**
 * Takes messages so that each can be settled. With a group: as its member, of the partitions it gets. Without: what is
 * unresolved of a dead-letter topic, one holder at a time. Settling is remembered in the group's commit.
 */
export class KafkaClaim implements Claim {
  readonly #session: Session;

  constructor(session: Session) {
    this.#session = session;
  }

  async open(request: ClaimRequest, signal: AbortSignal): Promise<Claiming> {
    const session = this.#session;
    const topic = await session.topic(request.channel, signal);
    const partitions = topic.partitions.map(({ partition }) => partition);
    const resolver = await OffsetResolver.open(session, topic, partitions, true, signal);
    const from = await resolver.resolve(request.from ?? { every: { kind: 'start', shift: 0n } });
    const common = { session, topic, request, edges: resolver.edges, from, signal };
    if (request.group !== null) {
      const holding = await GroupHolding.join(session, request.group, topic, signal);
      const record = new GroupRecord(session, request.group, topic.topic);
      return new KafkaClaiming({ ...common, holding, record });
    }
    const holding = await ExclusiveHolding.join(session, topic, request.follow, signal);
    return new KafkaClaiming({ ...common, holding, record: new ResolvedRecord(session, topic) });
  }
}
