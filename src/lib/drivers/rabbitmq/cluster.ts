/** The state of the broker: nodes, alarms, partitions, quorum queues without all members, blocked connections. */
import { DeniedError } from '../../errors.ts';
import type { Cluster, ClusterNode, ClusterStatus } from '../driver.ts';
import { addressText } from '../../address-text.ts';
import type { Management, ManagementApi } from './management.ts';
import { numberOf, objectOf, objectsOf, textOf, textsOf } from './json.ts';
import type { JsonObject } from './json.ts';

/** So many names are shown in a sentence; the rest is counted. */
const shownNames = 5;

/** What the AMQP handshake says, for when the management API is not there. */
export interface ServerWords {
  readonly product: string | null;
  readonly version: string | null;
  readonly cluster: string | null;
}

/** By the management API; where it cannot be asked, only what `server` says. */
export function cluster(
  management: Management,
  server: (signal: AbortSignal) => Promise<ServerWords>,
): Cluster {
  return { status: (signal) => status(management, server, signal) };
}

async function status(
  management: Management,
  server: (signal: AbortSignal) => Promise<ServerWords>,
  signal: AbortSignal,
): Promise<ClusterStatus> {
  const { api, missing } = await management.reach(signal);
  if (api === null) {
    const words = await server(signal);
    return {
      system: words.product ?? 'RabbitMQ',
      version: words.version,
      cluster: words.cluster,
      nodes: [],
      problems: [],
      facts: {},
      unknown: [`nodes, alarms, queues, connections: ${missing}`],
    };
  }
  const overview = objectOf(await api.get('/api/overview', signal));
  const unknown: string[] = [];
  const nodes = await ask('nodes and alarms', unknown, async () =>
    objectsOf(await api.get('/api/nodes', signal)),
  );
  const queues = await ask('queues', unknown, () => queueHealth(api, signal));
  const connections = await ask('blocked connections', unknown, () => blockedConnections(api, signal));
  return {
    system: textOf(overview['product_name']) ?? 'RabbitMQ',
    version: textOf(overview['product_version']) ?? textOf(overview['rabbitmq_version']),
    cluster: textOf(overview['cluster_name']),
    nodes: (nodes ?? []).map((node) => parseNode(node, objectsOf(overview['listeners']))),
    problems: [...(nodes ?? []).flatMap(nodeProblems), ...(queues ?? []), ...(connections ?? [])],
    facts: facts(overview, nodes ?? []),
    unknown,
  };
}

/** What a login may not see is unknown, not an error. */
async function ask<T>(what: string, unknown: string[], question: () => Promise<T>): Promise<T | null> {
  try {
    return await question();
  } catch (error) {
    if (!(error instanceof DeniedError)) throw error;
    unknown.push(`${what}: ${error.message}`);
    return null;
  }
}

/** Of `/api/nodes`, with the listeners of `/api/overview`. `address` null: it does not listen for AMQP. */
export function parseNode(node: JsonObject, listeners: readonly JsonObject[]): ClusterNode {
  const name = textOf(node['name']) ?? '';
  const listener = listeners.find(
    (each) => each['node'] === name && (each['protocol'] === 'amqp' || each['protocol'] === 'amqp/ssl'),
  );
  const port = numberOf(listener?.['port']);
  const applications = objectsOf(node['applications']);
  const rabbit = applications.find((each) => each['name'] === 'rabbit');
  return {
    node: name,
    address: port === null ? null : addressText({ host: textOf(listener?.['ip_address']) ?? '', port }),
    version: textOf(rabbit?.['version']),
    role: node['being_drained'] === true ? 'maintenance' : null,
    running: node['running'] === true,
  };
}

/** A sentence for each thing that is wrong with a node. */
export function nodeProblems(node: JsonObject): readonly string[] {
  const name = textOf(node['name']) ?? '';
  if (node['running'] !== true) return [`node ${name} is down`];
  const problems: string[] = [];
  if (node['mem_alarm'] === true)
    problems.push(
      `memory alarm on ${name}: ${bytes(node['mem_used'])} used of ${bytes(node['mem_limit'])}; publishers are blocked`,
    );
  if (node['disk_free_alarm'] === true)
    problems.push(
      `disk alarm on ${name}: ${bytes(node['disk_free'])} free, limit ${bytes(node['disk_free_limit'])}; publishers are blocked`,
    );
  const partitions = textsOf(node['partitions']);
  if (partitions.length > 0)
    problems.push(`network partition: ${name} does not see ${partitions.join(', ')}`);
  const files = share(node['fd_used'], node['fd_total']);
  if (files !== null && files > 0.9)
    problems.push(`${name} has used ${percent(files)} of its file descriptors`);
  const processes = share(node['proc_used'], node['proc_total']);
  if (processes !== null && processes > 0.9)
    problems.push(`${name} has used ${percent(processes)} of its Erlang processes`);
  if (node['being_drained'] === true) problems.push(`node ${name} is in maintenance mode`);
  return problems;
}

async function queueHealth(api: ManagementApi, signal: AbortSignal): Promise<readonly string[]> {
  const down: string[] = [];
  const short: string[] = [];
  const minority: string[] = [];
  const columns = 'name,vhost,type,state,members,online';
  for await (const page of api.pages('/api/queues', `&sort=name&columns=${columns}`, signal)) {
    for (const queue of page) {
      const name = textOf(queue['name']) ?? '';
      const members = textsOf(queue['members']);
      const online = textsOf(queue['online']).filter((member) => members.includes(member));
      if (members.length > 0) {
        if (online.length * 2 <= members.length) minority.push(name);
        else if (online.length < members.length) short.push(name);
      }
      const state = textOf(queue['state']);
      if (state === 'down' || state === 'crashed' || state === 'stopped') down.push(name);
    }
  }
  return [
    ...sentence(minority, 'without a majority of members: neither published to nor consumed from'),
    ...sentence(short, 'with members down'),
    ...sentence(down, 'down'),
  ];
}

function sentence(names: readonly string[], what: string): readonly string[] {
  if (names.length === 0) return [];
  const more = names.length > shownNames ? ` and ${String(names.length - shownNames)} more` : '';
  const noun = names.length === 1 ? 'queue' : 'queues';
  return [`${String(names.length)} ${noun} ${what}: ${names.slice(0, shownNames).join(', ')}${more}`];
}

async function blockedConnections(api: ManagementApi, signal: AbortSignal): Promise<readonly string[]> {
  let blocked = 0;
  for await (const page of api.pages('/api/connections', '&columns=name,state', signal))
    blocked += page.filter((connection) => connection['state'] === 'blocked').length;
  if (blocked === 0) return [];
  return [
    `${String(blocked)} ${blocked === 1 ? 'connection is' : 'connections are'} blocked from publishing`,
  ];
}

function facts(overview: JsonObject, nodes: readonly JsonObject[]): Record<string, string> {
  const totals = objectOf(overview['object_totals']);
  const messages = objectOf(overview['queue_totals']);
  const found: Record<string, string> = {};
  const put = (name: string, value: number | string | null) => {
    if (value !== null) found[name] = String(value);
  };
  put('erlang', textOf(overview['erlang_version']));
  put('connections', numberOf(totals['connections']));
  put('channels', numberOf(totals['channels']));
  put('queues', numberOf(totals['queues']));
  put('consumers', numberOf(totals['consumers']));
  put('messages ready', numberOf(messages['messages_ready']));
  put('messages unacknowledged', numberOf(messages['messages_unacknowledged']));
  for (const node of nodes) {
    if (node['running'] !== true) continue;
    const name = textOf(node['name']) ?? '';
    put(`memory ${name}`, `${bytes(node['mem_used'])} of ${bytes(node['mem_limit'])}`);
    put(`disk free ${name}`, `${bytes(node['disk_free'])}, limit ${bytes(node['disk_free_limit'])}`);
  }
  return found;
}

function share(used: unknown, total: unknown): number | null {
  const [part, whole] = [numberOf(used), numberOf(total)];
  return part === null || whole === null || whole === 0 ? null : part / whole;
}

function percent(ratio: number): string {
  return `${String(Math.round(ratio * 100))} %`;
}

function bytes(value: unknown): string {
  const number = numberOf(value);
  if (number === null) return 'unknown';
  if (number < 1024 * 1024) return `${String(Math.round(number / 1024))} KiB`;
  if (number < 1024 ** 3) return `${String(Math.round(number / 1024 ** 2))} MiB`;
  return `${(number / 1024 ** 3).toFixed(1)} GiB`;
}
