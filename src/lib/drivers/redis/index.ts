/** Redis Streams: of Redis and Valkey, alone, behind sentinels or in a cluster. */
import type {
  AtomicMove,
  AtomicMoveRequest,
  ChannelDescription,
  ChannelSummary,
  Connection,
  Driver,
  Environment,
} from '../driver.ts';
import { parseAddress } from './address.ts';
import { RedisAdmin } from './admin.ts';
import { movesAtomically, openMove } from './atomic-move.ts';
import { RedisBacklog } from './backlog.ts';
import { describeChannel, listChannels } from './channels.ts';
import { RedisClaim } from './claim.ts';
import { RedisCluster } from './cluster.ts';
import { RedisDeadLetters } from './dead-letters.ts';
import { RedisGroups } from './groups.ts';
import { RedisLease } from './lease.ts';
import { Link } from './link.ts';
import { RedisLook } from './look.ts';
import { RedisPositions } from './positions.ts';
import { RedisPublish } from './publish.ts';

/** Connects and logs in. Throws `UnreachableError`, `UsageError` for an address that cannot be. */
export async function open(connection: Connection, environment: Environment): Promise<Driver> {
  const link = new Link(parseAddress(connection), environment);
  try {
    await link.open(environment.signal);
  } catch (error) {
    link.close();
    throw error;
  }
  return new RedisDriver(link);
}

class RedisDriver implements Driver {
  readonly target: string;
  readonly publish: RedisPublish;
  readonly look: RedisLook;
  readonly claim: RedisClaim;
  readonly backlog: RedisBacklog;
  readonly groups: RedisGroups;
  readonly positions: RedisPositions;
  readonly deadLetters: RedisDeadLetters;
  readonly lease: RedisLease;
  readonly admin: RedisAdmin;
  readonly cluster: RedisCluster;
  readonly #link: Link;

  constructor(link: Link) {
    this.#link = link;
    this.target = link.target;
    this.publish = new RedisPublish(link);
    this.look = new RedisLook(link);
    this.claim = new RedisClaim(link);
    this.backlog = new RedisBacklog(link);
    this.groups = new RedisGroups(link);
    this.positions = new RedisPositions(link);
    this.deadLetters = new RedisDeadLetters(link);
    this.lease = new RedisLease(link);
    this.admin = new RedisAdmin(link);
    this.cluster = new RedisCluster(link);
  }

  channels(
    { match }: { readonly match: string | null; readonly internal: boolean },
    signal: AbortSignal,
  ): AsyncIterable<ChannelSummary> {
    return listChannels(this.#link, match, signal);
  }

  describe(channel: string, signal: AbortSignal): Promise<ChannelDescription> {
    return describeChannel(this.#link, channel, signal);
  }

  async atomicMove(request: AtomicMoveRequest, signal: AbortSignal): Promise<AtomicMove | null> {
    const { destination } = request;
    const same =
      destination === this || (destination instanceof RedisDriver && destination.target === this.target);
    return same ? openMove(this.#link, request, signal) : null;
  }

  movesAtomically(source: string, channels: readonly string[], signal: AbortSignal): Promise<boolean> {
    return movesAtomically(this.#link, source, channels, signal);
  }

  async close(): Promise<void> {
    this.#link.close();
  }
}
