/** Redis and Valkey, alone or as a cluster of three; what they hold is in memory, and on disk only for `restart`. */
import { execFile } from 'node:child_process';
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { freePorts } from './free-ports.ts';
import { cliProgram, serverProgram } from './redis-installation.ts';
import type { Program, RedisKind } from './redis-installation.ts';
import type { RunningBroker } from './running-broker.ts';
import { ServerProcess } from './server-process.ts';
import { certificateFiles, makeCertificates } from './test-certificates.ts';

const run = promisify(execFile);

export interface RedisOptions {
  readonly kind?: RedisKind;
  readonly port?: number;
  /** Another port speaks TLS, with certificates of its own authority; clients need none. */
  readonly tls?: boolean;
  /** Lines of `redis.conf`. */
  readonly settings?: readonly string[];
}

export interface RunningRedis extends RunningBroker {
  /** What the server answers to a command, by its own client. */
  ask(...words: string[]): Promise<string>;
}

export interface RunningCluster extends RunningRedis {
  readonly nodes: readonly RunningRedis[];
  /**
   * Moves a slot with all its keys to the node of that index, as `redis-cli --cluster reshard` does. `between` is called while
   * the slot is open: keys are at one node or the other.
   */
  moveSlot(slot: number, to: number, between?: () => Promise<void>): Promise<void>;
}

/** At `redis://127.0.0.1:…`. */
export async function startRedis(options: RedisOptions = {}): Promise<RunningRedis> {
  const kind = options.kind ?? 'redis';
  const [free = 0, tlsPort = 0] = await freePorts(2);
  const folder = await mkdtemp(join(tmpdir(), `mqctl-${kind}-`));
  const port = options.port ?? free;
  const lines = [...(options.settings ?? [])];
  const environment: Record<string, string> = {
    [kind === 'redis' ? 'MQCTL_TEST_REDIS' : 'MQCTL_TEST_VALKEY']: `redis://127.0.0.1:${String(port)}`,
  };
  if (options.tls === true) {
    await makeCertificates(folder);
    const path = (name: string): string => join(folder, name);
    lines.push(
      `tls-port ${String(tlsPort)}`,
      `tls-cert-file ${path(certificateFiles.serverCertificate)}`,
      `tls-key-file ${path(certificateFiles.serverKey)}`,
      `tls-ca-cert-file ${path(certificateFiles.ca)}`,
      'tls-auth-clients no',
    );
    environment['MQCTL_TEST_REDIS_TLS'] = `rediss://localhost:${String(tlsPort)}`;
    environment['MQCTL_TEST_REDIS_CA'] = await readFile(path(certificateFiles.ca), 'utf8');
  }
  const server = await Redis.start(kind, folder, port, lines, environment);
  return server;
}

/** A sentinel of its own that watches `primary` under that name. `lines` are of `sentinel.conf`. */
export async function startSentinel(
  name: string,
  primary: RunningBroker,
  lines: readonly string[] = [],
): Promise<{
  readonly address: string;
  ask(...words: string[]): Promise<string>;
  stop(): Promise<void>;
}> {
  const [port = 0] = await freePorts(1);
  const folder = await mkdtemp(join(tmpdir(), 'mqctl-sentinel-'));
  const file = join(folder, 'sentinel.conf');
  const monitor = `sentinel monitor ${name} 127.0.0.1 ${new URL(primary.address).port} 1`;
  await writeFile(
    file,
    [`port ${String(port)}`, 'bind 127.0.0.1', `dir ${folder}`, monitor, ...lines, ''].join('\n'),
  );
  const program = await serverProgram('redis');
  const cli = await cliProgram('redis');
  const server = new ServerProcess({
    name: 'sentinel',
    command: program.command,
    arguments: [...program.arguments, file, '--sentinel'],
    logFile: join(folder, 'server.log'),
    ready: (output) => output.includes('+monitor'),
    readyWithinMs: 30_000,
  });
  await server.start();
  return {
    address: `redis://127.0.0.1:${String(port)}`,
    ask: (...words) => askServer(cli, port, words),
    stop: async () => {
      await server.end('SIGTERM');
      await rm(folder, { recursive: true, force: true });
    },
  };
}

/** Three nodes that share the slots, without replicas. The address is that of the first. */
export async function startRedisCluster(options: RedisOptions = {}): Promise<RunningCluster> {
  const ports = await freePorts(3);
  if (options.port !== undefined) ports.splice(0, 3, options.port, options.port + 1, options.port + 2);
  const buses = await freePorts(3);
  const folder = await mkdtemp(join(tmpdir(), 'mqctl-redis-cluster-'));
  const nodes: Redis[] = [];
  const environment = { MQCTL_TEST_REDIS_CLUSTER: `redis://127.0.0.1:${String(ports[0])}` };
  try {
    for (const [index, port] of ports.entries()) {
      const own = join(folder, String(port));
      await mkdir(own);
      const lines = [
        ...(options.settings ?? []),
        'cluster-enabled yes',
        `cluster-port ${String(buses[index])}`,
        'cluster-node-timeout 2000',
      ];
      nodes.push(await Redis.start(options.kind ?? 'redis', own, port, lines, environment));
    }
    await join3(nodes, ports, buses);
  } catch (error) {
    for (const node of nodes) await node.stop();
    throw error;
  }
  const [first] = nodes;
  if (first === undefined) throw new Error('a cluster without nodes');
  const each = async (work: (node: Redis) => Promise<void>): Promise<void> => {
    for (const node of nodes) await work(node);
  };
  return {
    address: first.address,
    environment,
    pid: first.pid,
    nodes,
    ask: (...words) => first.ask(...words),
    moveSlot: (slot, to, between) => moveSlot(nodes, slot, to, between),
    stop: async () => {
      await each((node) => node.stop());
      await rm(folder, { recursive: true, force: true });
    },
    kill: () => each((node) => node.kill()),
    restart: () => each((node) => node.restart()),
  };
}

async function join3(
  nodes: readonly Redis[],
  ports: readonly number[],
  buses: readonly number[],
): Promise<void> {
  const share = Math.ceil(16_384 / nodes.length);
  for (const [index, node] of nodes.entries()) {
    const last = Math.min(16_383, (index + 1) * share - 1);
    await node.ask('CLUSTER', 'ADDSLOTSRANGE', String(index * share), String(last));
    await node.ask('CLUSTER', 'SET-CONFIG-EPOCH', String(index + 1));
  }
  for (const [index, port] of ports.entries())
    if (index > 0) await nodes[0]?.ask('CLUSTER', 'MEET', '127.0.0.1', String(port), String(buses[index]));
  const deadline = Date.now() + 30_000;
  for (const node of nodes)
    while (!(await knowsAll(node, nodes.length))) {
      if (Date.now() > deadline) throw new Error('the nodes did not become a cluster within 30 s');
      await sleep(50);
    }
}

async function moveSlot(
  nodes: readonly Redis[],
  slot: number,
  to: number,
  between: () => Promise<void> = async () => undefined,
): Promise<void> {
  const ids = await Promise.all(nodes.map((node) => node.ask('CLUSTER', 'MYID')));
  const owners = await Promise.all(
    nodes.map(async (node) =>
      (await node.ask('CLUSTER', 'NODES')).split('\n').find((line) => line.includes('myself')),
    ),
  );
  const from = owners.findIndex((line) => ownsSlot(line ?? '', slot));
  const [source, target] = [nodes[from], nodes[to]];
  if (source === undefined || target === undefined) throw new Error(`nobody has slot ${String(slot)}`);
  if (source === target) return;
  const number = String(slot);
  await target.ask('CLUSTER', 'SETSLOT', number, 'IMPORTING', ids[from] ?? '');
  await source.ask('CLUSTER', 'SETSLOT', number, 'MIGRATING', ids[to] ?? '');
  await between();
  const { hostname, port } = new URL(target.address);
  for (;;) {
    const [key] = (await source.ask('CLUSTER', 'GETKEYSINSLOT', number, '1')).split('\n');
    if (key === undefined || key === '') break;
    await source.ask('MIGRATE', hostname, port, key, '0', '5000');
    await between();
  }
  for (const node of [target, source, ...nodes])
    await node.ask('CLUSTER', 'SETSLOT', number, 'NODE', ids[to] ?? '');
  await agreed(nodes, slot, ids[to] ?? '');
}

/** A slot that moves on before all nodes know where it is can lose its keys: an older owner claims it back. */
async function agreed(nodes: readonly Redis[], slot: number, owner: string): Promise<void> {
  const deadline = Date.now() + 30_000;
  for (;;) {
    const lines = await Promise.all(
      nodes.map(async (node) =>
        (await node.ask('CLUSTER', 'NODES')).split('\n').find((line) => line.startsWith(owner)),
      ),
    );
    // The seventh word is the epoch of the owner's claim.
    const epochs = new Set(lines.map((line) => line?.split(' ')[6]));
    if (epochs.size === 1 && lines.every((line) => ownsSlot(line ?? '', slot))) return;
    if (Date.now() > deadline) throw new Error(`the nodes do not agree on slot ${String(slot)} within 30 s`);
    await sleep(50);
  }
}

/** Of a line of CLUSTER NODES: its words from the ninth on are slots and ranges of them. */
function ownsSlot(line: string, slot: number): boolean {
  return line
    .split(' ')
    .slice(8)
    .some((range) => {
      const [first = -1, last = first] = range.split('-').map(Number);
      return first <= slot && slot <= last;
    });
}

async function knowsAll(node: Redis, count: number): Promise<boolean> {
  const info = await node.ask('CLUSTER', 'INFO');
  return info.includes('cluster_state:ok') && info.includes(`cluster_known_nodes:${String(count)}`);
}

async function askServer(cli: Program, port: number, words: readonly string[]): Promise<string> {
  const { stdout } = await run(cli.command, [...cli.arguments, '-p', String(port), ...words]);
  return stdout.trimEnd();
}

class Redis implements RunningRedis {
  readonly address: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly #folder: string;
  readonly #port: number;
  readonly #cli: Program;
  readonly #server: ServerProcess;

  private constructor(
    folder: string,
    port: number,
    cli: Program,
    server: ServerProcess,
    environment: Readonly<Record<string, string>>,
  ) {
    this.#folder = folder;
    this.#port = port;
    this.#cli = cli;
    this.#server = server;
    this.address = `redis://127.0.0.1:${String(port)}`;
    this.environment = environment;
  }

  static async start(
    kind: RedisKind,
    folder: string,
    port: number,
    lines: readonly string[],
    environment: Readonly<Record<string, string>>,
  ): Promise<Redis> {
    const program = await serverProgram(kind);
    const settings = [
      `port ${String(port)}`,
      'bind 127.0.0.1',
      `dir ${folder}`,
      'save ""',
      'appendonly yes',
      'appendfsync no',
      ...lines,
    ];
    const server = new ServerProcess({
      name: kind,
      command: program.command,
      arguments: [
        ...program.arguments,
        ...settings.flatMap((line) => {
          const [name = '', ...values] = line.split(' ');
          return [`--${name}`, ...values.map((value) => (value === '""' ? '' : value))];
        }),
      ],
      logFile: join(folder, 'server.log'),
      ready: (output) => output.includes('Ready to accept connections'),
      readyWithinMs: 30_000,
    });
    await server.start();
    return new Redis(folder, port, await cliProgram(kind), server, environment);
  }

  get pid(): number {
    return this.#server.pid;
  }

  ask(...words: string[]): Promise<string> {
    return askServer(this.#cli, this.#port, words);
  }

  async stop(): Promise<void> {
    await this.#server.end('SIGTERM');
    await rm(this.#folder, { recursive: true, force: true });
  }

  async kill(): Promise<void> {
    await this.#server.end('SIGKILL');
  }

  async restart(): Promise<void> {
    await this.#server.end('SIGTERM');
    await this.#server.start();
  }
}
