import { DeniedError, errorText } from '../../errors.ts';
import type { Cluster, ClusterNode, ClusterStatus } from '../driver.ts';
import type { Link } from './link.ts';
import { textOf } from './reply.ts';

type Facts = ReadonlyMap<string, string>;

/** Memory in use, of what is allowed, from which on it is said. */
const nearlyFull = 0.9;

export class RedisCluster implements Cluster {
  readonly #link: Link;

  constructor(link: Link) {
    this.#link = link;
  }

  async status(signal: AbortSignal): Promise<ClusterStatus> {
    const unknown: string[] = [];
    const servers = await this.#servers(unknown, signal);
    const clustered = await this.#link.isCluster(signal);
    const cluster = clustered ? await this.#clusterFacts(unknown, signal) : new Map<string, string>();
    const nodes = clustered
      ? await this.#clusterNodes(servers, unknown, signal)
      : servers.map(({ address, facts }) => nodeOf(address, facts));
    const [first] = servers;
    const facts = first?.facts ?? new Map<string, string>();
    return {
      system: isValkey(facts) ? 'Valkey' : 'Redis',
      version: versionOf(facts),
      cluster: clustered ? this.#link.target : null,
      nodes,
      problems: [
        ...clusterProblems(cluster),
        ...nodes
          .filter(({ running }) => !running)
          .map(({ node, address }) => `node ${address ?? node} is down`),
        ...servers.flatMap(({ address, facts: own }) => problemsOf(address, own)),
      ],
      facts: { ...shownFacts(facts), ...Object.fromEntries(cluster) },
      unknown,
    };
  }

  async #servers(
    unknown: string[],
    signal: AbortSignal,
  ): Promise<readonly { readonly address: string; readonly facts: Facts }[]> {
    const nodes = await this.#link.nodes(signal);
    return Promise.all(
      nodes.map(async (node) => {
        const { address } = node;
        try {
          return { address, facts: factsIn(textOf(await node.ask(['INFO'], signal))) };
        } catch (error) {
          if (!(error instanceof DeniedError)) throw error;
          unknown.push(`version and memory of ${address}: this login may not use INFO`);
          return { address, facts: new Map<string, string>() };
        }
      }),
    );
  }

  async #clusterFacts(unknown: string[], signal: AbortSignal): Promise<Facts> {
    try {
      const facts = factsIn(textOf(await this.#link.askAny(['CLUSTER', 'INFO'], signal)));
      const shown = ['cluster_state', 'cluster_slots_ok', 'cluster_slots_fail', 'cluster_slots_assigned'];
      return new Map(shown.flatMap((name) => (facts.has(name) ? [[name, facts.get(name) ?? '']] : [])));
    } catch (error) {
      if (!(error instanceof DeniedError)) throw error;
      unknown.push(`slots: ${errorText(error)}`);
      return new Map();
    }
  }

  /** As the nodes see each other (CLUSTER NODES): replicas and those that are down, too. */
  async #clusterNodes(
    servers: readonly { readonly address: string; readonly facts: Facts }[],
    unknown: string[],
    signal: AbortSignal,
  ): Promise<readonly ClusterNode[]> {
    try {
      const text = textOf(await this.#link.askAny(['CLUSTER', 'NODES'], signal));
      return text
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => {
          const [id = '', place = '', flags = '', , , , , link, ...slots] = line.split(' ');
          const address = place.replace(/@.*$/, '');
          const facts = servers.find((one) => one.address === address)?.facts;
          const role = flags.includes('master') ? 'primary' : 'replica';
          return {
            node: id.slice(0, 8),
            address,
            version: facts === undefined ? null : versionOf(facts),
            role: slots.length === 0 ? role : `${role}, slots ${slots.join(' ')}`,
            running: !flags.includes('fail') && (link === 'connected' || flags.includes('myself')),
          };
        });
    } catch (error) {
      if (!(error instanceof DeniedError)) throw error;
      unknown.push(`nodes: ${errorText(error)}`);
      return servers.map(({ address, facts }) => nodeOf(address, facts));
    }
  }
}

function factsIn(text: string): Facts {
  return new Map(
    text.split(/\r?\n/).flatMap((line): [string, string][] => {
      const colon = line.indexOf(':');
      return colon <= 0 || line.startsWith('#') ? [] : [[line.slice(0, colon), line.slice(colon + 1)]];
    }),
  );
}

/** Valkey says a version of Redis, too: that which it is compatible with. */
function isValkey(facts: Facts): boolean {
  return facts.get('server_name') === 'valkey';
}

function versionOf(facts: Facts): string | null {
  return (isValkey(facts) ? facts.get('valkey_version') : facts.get('redis_version')) ?? null;
}

function nodeOf(address: string, facts: Facts): ClusterNode {
  const role = facts.get('role');
  return {
    node: address,
    address,
    version: versionOf(facts),
    role: role === undefined ? null : role === 'master' ? 'primary' : 'replica',
    running: true,
  };
}

function clusterProblems(facts: Facts): readonly string[] {
  const state = facts.get('cluster_state');
  const assigned = Number(facts.get('cluster_slots_assigned') ?? 16_384);
  return [
    ...(state !== undefined && state !== 'ok' ? [`the cluster's state is ${state}`] : []),
    ...(assigned < 16_384
      ? [`${String(16_384 - assigned)} slots belong to no node: their streams are gone`]
      : []),
  ];
}

function problemsOf(address: string, facts: Facts): readonly string[] {
  const problems: string[] = [];
  const say = (words: string): number => problems.push(`${address}: ${words}`);
  if (facts.get('loading') === '1') say('it is loading its data');
  if (facts.get('master_link_status') === 'down') say('the link to its primary is down');
  if (facts.get('rdb_last_bgsave_status') === 'err') say('the last snapshot failed');
  if (facts.get('aof_last_write_status') === 'err') say('the append-only file cannot be written');
  const [used, most] = [Number(facts.get('used_memory') ?? 0), Number(facts.get('maxmemory') ?? 0)];
  if (most > 0 && used / most > nearlyFull)
    say(`${String(Math.round((used / most) * 100))} % of its memory is used`);
  const policy = facts.get('maxmemory_policy') ?? 'noeviction';
  if (most > 0 && policy.startsWith('allkeys'))
    say(`its policy ${policy} deletes whole streams when memory runs short`);
  return problems;
}

function shownFacts(facts: Facts): Readonly<Record<string, string>> {
  const names = [
    'uptime_in_seconds',
    'connected_clients',
    'blocked_clients',
    'used_memory',
    'maxmemory',
    'maxmemory_policy',
    'aof_enabled',
    'connected_slaves',
    'rdb_last_save_time',
  ];
  return Object.fromEntries(
    names.flatMap((name) => (facts.has(name) ? [[name, facts.get(name) ?? '']] : [])),
  );
}
