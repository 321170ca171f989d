/**
 * The embedded broker: channels, groups and dead letters in one SQLite file, by Node's own module. A file is made by
 * `create` only; looking for what is in a file that is not there says so.
 */
import type {
  AtomicMove,
  AtomicMoveRequest,
  ChannelDescription,
  ChannelSummary,
  Driver,
  OpenDriver,
} from '../driver.ts';
import { LocalAdmin } from './admin.ts';
import { isSameFile, LocalMove } from './atomic-move.ts';
import { LocalBacklog } from './backlog.ts';
import {
  allChannels,
  channelNamed,
  deadLetterSources,
  groupsOf,
  partitionsOf,
  sizeOf,
  type Channel,
} from './channels.ts';
import { LocalClaim } from './claim.ts';
import { LocalCluster } from './cluster.ts';
import { LocalFile, type Sql } from './database.ts';
import { LocalDeadLetters } from './dead-lettering.ts';
import { LocalGroups } from './groups.ts';
import { LocalPositions } from './positions.ts';
import { LocalLease } from './lease.ts';
import { isStateFile, pathOf } from './location.ts';
import { LocalLook } from './look.ts';
import { LocalPublish } from './publish.ts';
import { liveMembers } from './sessions.ts';

/**
 * Throws `UsageError` for an address that names no file, `UnreachableError` for a file that is not ours or a folder that is
 * not there. A file that is not there yet is found out by the first thing that needs it: `create` makes it.
 */
export const open: OpenDriver = async (connection, environment) => {
  const path = pathOf(connection.url, environment.stateFolder);
  const file = new LocalFile(path, {
    timeoutMs: environment.timeoutMs,
    mayMakeFolder: isStateFile(connection.url),
  });
  await file.check(environment.signal);
  return new LocalDriver(file);
};

/** Which file a driver of ours has open: a move between two of them can be one transaction. */
const files = new WeakMap<Driver, LocalFile>();

class LocalDriver implements Driver {
  readonly target: string;
  readonly publish: LocalPublish;
  readonly look: LocalLook;
  readonly claim: LocalClaim;
  readonly backlog: LocalBacklog;
  readonly groups: LocalGroups;
  readonly positions: LocalPositions;
  readonly deadLetters: LocalDeadLetters;
  readonly lease: LocalLease;
  readonly admin: LocalAdmin;
  readonly cluster: LocalCluster;
  readonly #file: LocalFile;

  constructor(file: LocalFile) {
    this.target = `local:${file.path}`;
    this.#file = file;
    this.publish = new LocalPublish(file);
    this.look = new LocalLook(file);
    this.claim = new LocalClaim(file);
    this.backlog = new LocalBacklog(file);
    this.groups = new LocalGroups(file);
    this.positions = new LocalPositions(file);
    this.deadLetters = new LocalDeadLetters(file);
    this.lease = new LocalLease(file);
    this.admin = new LocalAdmin(file);
    this.cluster = new LocalCluster(file);
    files.set(this, file);
  }

  async *channels(
    request: { readonly match: string | null; readonly internal: boolean },
    signal: AbortSignal,
  ): AsyncIterable<ChannelSummary> {
    yield* await this.#file.read(signal, (sql) =>
      allChannels(sql, request.match).map((channel) => summaryOf(sql, channel)),
    );
  }

  async describe(name: string, signal: AbortSignal): Promise<ChannelDescription> {
    this.#file.requireFor('channel', name);
    return this.#file.read(signal, (sql) => {
      const channel = channelNamed(sql, name, this.#file.path);
      const { deadLetter } = channel.settings;
      return {
        ...summaryOf(sql, channel),
        partitionList: partitionsOf(sql, channel).map(({ partition, start, end }) => ({
          partition: String(partition),
          start: String(start),
          end: String(end),
          leader: null,
          replicas: [],
          inSync: [],
        })),
        settings: Object.fromEntries(channel.stored),
        bindings: [],
        groups: groupsOf(sql, channel.id),
        deadLetter: deadLetter === null ? null : { channel: deadLetter, how: 'setting dead-letter' },
        deadLetterOf: deadLetterSources(sql, name),
        unknown: [],
      };
    });
  }

  async atomicMove(request: AtomicMoveRequest, signal: AbortSignal): Promise<AtomicMove | null> {
    const destination = files.get(request.destination);
    if (destination === undefined || !isSameFile(this.#file, destination)) return null;
    this.#file.requireFor('channel', request.source);
    return LocalMove.open(this.#file, request, signal);
  }

  async close(): Promise<void> {
    this.#file.close();
  }
}

function summaryOf(sql: Sql, channel: Channel): ChannelSummary {
  const { messages, bytes } = sizeOf(sql, channel.id);
  return {
    channel: channel.name,
    type: 'channel',
    partitions: channel.partitions,
    messages,
    approximate: false,
    consumers: liveMembers(sql, null, channel.id).length,
    bytes,
  };
}
