import { setTimeout as sleep } from 'node:timers/promises';
import { NotFoundError, UnreachableError } from '../../errors.ts';
import type { MqctlError } from '../../errors.ts';
import { protocolFailure } from './failures.ts';
import { chunks, eachInFlight } from './in-flight.ts';
import type { Api } from './protocol/api.ts';
import { errorCodes } from './protocol/error-codes.ts';
import { consumerGroupDescribe } from './protocol/groups/consumer-group-describe.ts';
import { describeGroups } from './protocol/groups/describe-groups.ts';
import type { DescribedGroup } from './protocol/groups/described-group.ts';
import { listGroups } from './protocol/groups/list-groups.ts';
import { shareGroupDescribe } from './protocol/groups/share-group-describe.ts';
import { streamsGroupDescribe } from './protocol/groups/streams-group-describe.ts';
import type { Session } from './session.ts';

/** `classic`: its members assign (and groups that only commit). `consumer`: KIP-848. `share`: KIP-932. `streams`: KIP-1071. */
export type GroupKind = 'classic' | 'consumer' | 'share' | 'streams';

export interface KnownGroup {
  readonly group: string;
  readonly kind: GroupKind;
  /** null before Kafka 2.6. */
  readonly state: string | null;
  /** The coordinator's node. */
  readonly coordinator: number;
}

export interface Directory {
  readonly groups: readonly KnownGroup[];
  /** What could not be asked for its groups, a sentence each. */
  readonly unreachable: readonly string[];
}

/** Groups asked about in one request. */
const groupsAtOnce = 100;
const pauseMs = 100;

const moved: ReadonlySet<number> = new Set([
  errorCodes.COORDINATOR_LOAD_IN_PROGRESS,
  errorCodes.COORDINATOR_NOT_AVAILABLE,
  errorCodes.NOT_COORDINATOR,
]);

const describeOf: Readonly<Record<GroupKind, Api<readonly string[], readonly DescribedGroup[]>>> = {
  classic: describeGroups,
  consumer: consumerGroupDescribe,
  share: shareGroupDescribe,
  streams: streamsGroupDescribe,
};

/**
 * All groups that this login may see: one request for each broker, which lists the groups that it coordinates. So no
 * coordinator has to be looked for, which on a fresh cluster would make `__consumer_offsets`.
 * Throws `UnreachableError` when no broker answers.
 */
export async function allGroups(session: Session, signal: AbortSignal): Promise<Directory> {
  if (session.nodes.size === 0) await session.metadata([], signal);
  const nodes = [...session.nodes.values()];
  const failures: UnreachableError[] = [];
  const unreachable: string[] = [];
  const lists = await eachInFlight(nodes, async ({ node }) => {
    try {
      return await groupsOf(session, node, signal);
    } catch (error) {
      if (!(error instanceof UnreachableError)) throw error;
      failures.push(error);
      unreachable.push(`groups coordinated by ${brokerText(session, node)}: ${error.message}`);
      return [];
    }
  });
  const [failure] = failures;
  if (failure !== undefined && failures.length === nodes.length) throw failure;
  return { groups: lists.flat(), unreachable };
}

/**
 * The named groups, asked of their coordinators alone. Throws `NotFoundError` for one that is not there, `DeniedError`
 * for one that this login may not see, `UnreachableError` when its coordinator does not answer.
 */
export async function namedGroups(
  session: Session,
  names: readonly string[],
  signal: AbortSignal,
): Promise<readonly KnownGroup[]> {
  const wanted = [...new Set(names)];
  const { topics } = await session.metadata(['__consumer_offsets'], signal);
  // To look for a coordinator on a cluster without groups would make that topic. Some services keep it out of sight.
  const looksForNone = topics.some(({ errorCode }) => errorCode === errorCodes.UNKNOWN_TOPIC_OR_PARTITION);
  const coordinators = looksForNone ? null : await session.coordinators('group', wanted, signal);
  const lists =
    coordinators === null
      ? (await allGroups(session, signal)).groups
      : (
          await eachInFlight([...new Set(coordinators.values())], (node) => groupsOf(session, node, signal))
        ).flat();
  const listed = new Map(lists.map((known) => [known.group, known]));
  return eachInFlight(
    wanted,
    async (name) => listed.get(name) ?? unlistedGroup(session, name, coordinators?.get(name) ?? null, signal),
  );
}

/** Members and states. A group that could not be asked is in `silent`, with the reason. */
export async function describeAll(
  session: Session,
  groups: readonly KnownGroup[],
  signal: AbortSignal,
): Promise<{
  readonly described: ReadonlyMap<string, DescribedGroup>;
  readonly silent: ReadonlyMap<string, MqctlError>;
}> {
  const described = new Map<string, DescribedGroup>();
  const silent = new Map<string, MqctlError>();
  const kinds = Object.entries(describeOf).map(async ([kind, api]) => {
    const ofKind = groups.filter((known) => known.kind === kind);
    const asked = await askCoordinators(session, ofKind, api, signal);
    for (const [group, answer] of asked.answers) {
      if (answer.errorCode === 0) described.set(group, answer);
      else silent.set(group, groupFailure(session, 'describe', group, answer.errorCode, answer.errorMessage));
    }
    for (const [group, error] of asked.silent) silent.set(group, error);
  });
  await Promise.all(kinds);
  return { described, silent };
}

/**
 * Asks the coordinators about their groups, many in a request. A coordinator that moved is found and asked again within
 * the time-out; groups of one that does not answer are in `silent`, with the reason.
 */
export async function askCoordinators<
  Answer extends { readonly group: string | null; readonly errorCode: number },
>(
  session: Session,
  groups: readonly KnownGroup[],
  api: Api<readonly string[], readonly Answer[]>,
  signal: AbortSignal,
  /** Below this version the request takes one group. */
  manySince = 0,
): Promise<{
  readonly answers: ReadonlyMap<string, Answer>;
  readonly silent: ReadonlyMap<string, MqctlError>;
}> {
  const answers = new Map<string, Answer>();
  const silent = new Map<string, MqctlError>();
  const deadline = Date.now() + session.environment.timeoutMs;
  let waiting = new Map(groups.map(({ group, coordinator }) => [group, coordinator]));
  for (;;) {
    const requests = await requestsTo(session, waiting, api, manySince, silent, signal);
    const again = new Map<string, number>();
    await eachInFlight(requests, async ({ node, names }) => {
      try {
        for (const answer of await session.send(node, api, names, { signal })) {
          const group = answer.group ?? names[0] ?? '';
          if (moved.has(answer.errorCode)) again.set(group, node);
          answers.set(group, answer);
        }
      } catch (error) {
        if (!(error instanceof UnreachableError)) throw error;
        for (const group of names) silent.set(group, error);
      }
    });
    if (again.size === 0 || Date.now() > deadline) return { answers, silent };
    await sleep(pauseMs, undefined, { signal });
    for (const group of again.keys()) session.forgetCoordinator('group', group);
    waiting = new Map(await session.coordinators('group', [...again.keys()], signal));
  }
}

/** The error for what a coordinator answered about one group. */
export function groupFailure(
  session: Session,
  doing: string,
  group: string,
  code: number,
  words: string | null,
): MqctlError {
  return protocolFailure(code, { doing, kind: 'group', name: group, where: session.target }, words);
}

/** `broker 3 (host:9092)`. */
export function brokerText(session: Session, node: number): string {
  const broker = session.nodes.get(node);
  return broker === undefined
    ? `broker ${String(node)}`
    : `broker ${String(node)} (${broker.host}:${String(broker.port)})`;
}

async function requestsTo(
  session: Session,
  groups: ReadonlyMap<string, number>,
  api: Pick<Api<never, unknown>, 'key' | 'versions'>,
  manySince: number,
  silent: Map<string, MqctlError>,
  signal: AbortSignal,
): Promise<{ node: number; names: string[] }[]> {
  const byNode = Map.groupBy(groups.keys(), (group) => groups.get(group) ?? -1);
  const requests: { node: number; names: string[] }[] = [];
  for (const [node, names] of byNode) {
    try {
      const version = await session.versionAt(node, api, signal);
      const size = version !== null && version < manySince ? 1 : groupsAtOnce;
      for (const part of chunks(names, size)) requests.push({ node, names: part });
    } catch (error) {
      if (!(error instanceof UnreachableError)) throw error;
      for (const group of names) silent.set(group, error);
    }
  }
  return requests;
}

async function groupsOf(session: Session, node: number, signal: AbortSignal): Promise<KnownGroup[]> {
  const deadline = Date.now() + session.environment.timeoutMs;
  for (;;) {
    const { errorCode, groups } = await session.send(node, listGroups, null, { signal });
    if (errorCode === errorCodes.NONE) {
      return groups.map(({ group, state, type, protocolType }) => ({
        group,
        kind: kindOf(type, protocolType),
        state,
        coordinator: node,
      }));
    }
    if (!moved.has(errorCode) || Date.now() > deadline) {
      const subject = { kind: 'cluster', name: session.target, where: session.target } as const;
      throw protocolFailure(errorCode, { doing: 'list the groups of', ...subject });
    }
    await sleep(pauseMs, undefined, { signal });
  }
}

function kindOf(type: string | null, protocolType: string): GroupKind {
  switch (type?.toLowerCase() ?? protocolType) {
    case 'consumer':
      // Before types were told, `consumer` was the protocol type of classic consumers.
      return type === null ? 'classic' : 'consumer';
    case 'share':
      return 'share';
    case 'streams':
      return 'streams';
    default:
      return 'classic';
  }
}

/** A group that its coordinator does not list: hidden from this login, or not there. */
async function unlistedGroup(
  session: Session,
  group: string,
  coordinator: number | null,
  signal: AbortSignal,
): Promise<KnownGroup> {
  if (coordinator === null) throw new NotFoundError('group', group, session.target);
  const [described] = await session.send(coordinator, describeGroups, [group], { signal });
  if (described === undefined || described.state === 'Dead')
    throw new NotFoundError('group', group, session.target);
  if (described.errorCode !== 0)
    throw groupFailure(session, 'describe', group, described.errorCode, described.errorMessage);
  return { group, kind: 'classic', state: described.state, coordinator };
}
