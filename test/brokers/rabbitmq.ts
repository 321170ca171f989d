/**
 * Starts a real RabbitMQ 4 of its own on 127.0.0.1: own ports, own data, own epmd, nothing left behind. The programs
 * come from `rabbitmq-installation.ts`.
 */
import { execFile } from 'node:child_process';
import { randomUUID } from 'node:crypto';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { certificateFiles, makeCertificates } from './test-certificates.ts';
import { freePorts } from './free-ports.ts';
import { installRabbitmq } from './rabbitmq-installation.ts';
import type { RabbitmqInstallation } from './rabbitmq-installation.ts';
import type { RunningBroker } from './running-broker.ts';
import { ServerProcess } from './server-process.ts';

const run = promisify(execFile);

export interface RabbitmqOptions {
  /** Of AMQP; a free one where not given. */
  readonly port?: number;
  readonly managementPort?: number;
  /** Lines for `rabbitmq.conf`: `consumer_timeout = 5000`, `max_message_size = 65536`… */
  readonly configuration?: readonly string[];
  /**
   * Listeners with TLS, too: `MQCTL_TEST_RABBITMQ_TLS` and `MQCTL_TEST_RABBITMQ_TLS_MANAGEMENT`, with their
   * authority's file in `MQCTL_TEST_RABBITMQ_CA`.
   */
  readonly tls?: boolean;
}

export interface RunningRabbitmq extends RunningBroker {
  /** Runs `rabbitmqctl`, for what only an operator on the server's own machine may do; resolves with its output. */
  control(...words: string[]): Promise<string>;
}

interface Ports {
  readonly amqp: number;
  readonly management: number;
  readonly tls: number;
  readonly tlsManagement: number;
  readonly stream: number;
  readonly distribution: number;
  readonly epmd: number;
}

/** Resolves when it takes connections. Throws with the end of its log where it does not start. */
export async function startRabbitmq(options: RabbitmqOptions = {}): Promise<RunningRabbitmq> {
  const installation = await installRabbitmq();
  const free = await freePorts(7);
  const [amqp = 0, management = 0, tls = 0, tlsManagement = 0, stream = 0, distribution = 0, epmd = 0] = free;
  const ports: Ports = {
    amqp: options.port ?? amqp,
    management: options.managementPort ?? management,
    tls,
    tlsManagement,
    stream,
    distribution,
    epmd,
  };
  const folder = await mkdtemp(join(tmpdir(), 'mqctl-rabbitmq-'));
  const authority = await configure(folder, ports, options);
  const broker = new Rabbitmq(installation, folder, ports, authority);
  try {
    await broker.start();
  } catch (error) {
    await broker.stop();
    throw error;
  }
  return broker;
}

/** Writes its configuration; resolves with the authority of its certificate, if it has one. */
async function configure(folder: string, ports: Ports, options: RabbitmqOptions): Promise<string | null> {
  const lines = [
    `listeners.tcp.1 = 127.0.0.1:${String(ports.amqp)}`,
    `stream.listeners.tcp.1 = 127.0.0.1:${String(ports.stream)}`,
    'management.tcp.ip = 127.0.0.1',
    `management.tcp.port = ${String(ports.management)}`,
    // What the management API says is one second old at most, so that tests need not wait long.
    'collect_statistics_interval = 1000',
    'vm_memory_high_watermark.absolute = 1GB',
    'disk_free_limit.absolute = 50MB',
  ];
  let authority: string | null = null;
  if (options.tls === true) {
    const certificates = join(folder, 'certificates');
    await mkdir(certificates, { recursive: true });
    await makeCertificates(certificates);
    authority = join(certificates, certificateFiles.ca);
    const certificate = join(certificates, certificateFiles.serverCertificate);
    const key = join(certificates, certificateFiles.serverKey);
    lines.push(
      `listeners.ssl.1 = 127.0.0.1:${String(ports.tls)}`,
      `ssl_options.cacertfile = ${authority}`,
      `ssl_options.certfile = ${certificate}`,
      `ssl_options.keyfile = ${key}`,
      'ssl_options.verify = verify_none',
      'management.ssl.ip = 127.0.0.1',
      `management.ssl.port = ${String(ports.tlsManagement)}`,
      `management.ssl.cacertfile = ${authority}`,
      `management.ssl.certfile = ${certificate}`,
      `management.ssl.keyfile = ${key}`,
    );
  }
  for (const name of ['db', 'log', 'home']) await mkdir(join(folder, name));
  await writeFile(join(folder, 'home/.erlang.cookie'), randomUUID().replaceAll('-', ''), { mode: 0o600 });
  await writeFile(join(folder, 'rabbitmq.conf'), [...lines, ...(options.configuration ?? []), ''].join('\n'));
  await writeFile(join(folder, 'advanced.config'), '[{rabbit,[{quorum_tick_interval,1000}]}].\n');
  await writeFile(
    join(folder, 'plugins'),
    '[rabbitmq_management,rabbitmq_stream,rabbitmq_stream_management,rabbitmq_shovel].\n',
  );
  return authority;
}

class Rabbitmq implements RunningRabbitmq {
  readonly address: string;
  readonly environment: Readonly<Record<string, string>>;
  readonly #folder: string;
  readonly #variables: Readonly<Record<string, string>>;
  readonly #controlProgram: string;
  /** Erlang's name server. It would start by itself and outlive the broker: so it is ours, in the foreground. */
  readonly #epmd: ServerProcess;
  readonly #server: ServerProcess;

  constructor(installation: RabbitmqInstallation, folder: string, ports: Ports, authority: string | null) {
    this.#folder = folder;
    this.#variables = variables(installation, folder, ports);
    this.#controlProgram = join(installation.programs, 'rabbitmqctl');
    this.address = `amqp://guest:guest@127.0.0.1:${String(ports.amqp)}/`;
    const management = `http://127.0.0.1:${String(ports.management)}`;
    this.environment = {
      MQCTL_TEST_RABBITMQ: this.address,
      MQCTL_TEST_RABBITMQ_MANAGEMENT: management,
      MQCTL_TEST_RABBITMQ_STREAM: `127.0.0.1:${String(ports.stream)}`,
      ...(authority !== null && {
        MQCTL_TEST_RABBITMQ_TLS: `amqps://guest:guest@localhost:${String(ports.tls)}/`,
        MQCTL_TEST_RABBITMQ_TLS_MANAGEMENT: `https://localhost:${String(ports.tlsManagement)}`,
        MQCTL_TEST_RABBITMQ_CA: authority,
      }),
    };
    this.#epmd = new ServerProcess({
      name: 'epmd',
      command: join(installation.erlang, 'bin/epmd'),
      arguments: [],
      environment: this.#variables,
      logFile: join(folder, 'epmd.log'),
      ready: () => accepts(ports.epmd),
      readyWithinMs: 10_000,
    });
    this.#server = new ServerProcess({
      name: 'RabbitMQ',
      command: join(installation.programs, 'rabbitmq-server'),
      arguments: [],
      environment: this.#variables,
      logFile: join(folder, 'server.log'),
      ready: async () => (await answersManagement(management)) && (await accepts(ports.amqp)),
      readyWithinMs: 60_000,
    });
  }

  get pid(): number {
    return this.#server.pid;
  }

  async start(): Promise<void> {
    await this.#epmd.start();
    await this.#server.start();
  }

  async stop(): Promise<void> {
    await this.#end('SIGTERM');
    await rm(this.#folder, { recursive: true, force: true });
  }

  async kill(): Promise<void> {
    await this.#end('SIGKILL');
  }

  async restart(): Promise<void> {
    await this.#end('SIGTERM');
    await this.start();
  }

  async control(...words: string[]): Promise<string> {
    const { stdout } = await run(this.#controlProgram, ['-q', ...words], {
      env: { ...process.env, ...this.#variables },
    });
    return stdout;
  }

  async #end(signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
    await this.#server.end(signal);
    await this.#epmd.end('SIGKILL');
  }
}

function variables(
  installation: RabbitmqInstallation,
  folder: string,
  ports: Ports,
): Readonly<Record<string, string>> {
  return {
    PATH: `${installation.erlang}/bin:/usr/sbin:/usr/bin:/sbin:/bin`,
    HOME: join(folder, 'home'),
    LANG: 'C.UTF-8',
    ERL_CRASH_DUMP_SECONDS: '0',
    ERL_EPMD_PORT: String(ports.epmd),
    ERL_EPMD_ADDRESS: '127.0.0.1',
    // The start script becomes Erlang instead of waiting for it: the process we start is the process we stop.
    RUNNING_UNDER_SYSTEMD: 'true',
    RABBITMQ_NODENAME: `mqctl-${String(ports.amqp)}@localhost`,
    RABBITMQ_DIST_PORT: String(ports.distribution),
    RABBITMQ_CONF_ENV_FILE: '/dev/null',
    RABBITMQ_CONFIG_FILE: join(folder, 'rabbitmq.conf'),
    RABBITMQ_ADVANCED_CONFIG_FILE: join(folder, 'advanced.config'),
    RABBITMQ_ENABLED_PLUGINS_FILE: join(folder, 'plugins'),
    RABBITMQ_MNESIA_BASE: join(folder, 'db'),
    RABBITMQ_LOG_BASE: join(folder, 'log'),
    RABBITMQ_PID_FILE: join(folder, 'pid'),
    RABBITMQ_SERVER_ADDITIONAL_ERL_ARGS:
      '-kernel inet_dist_use_interface {127,0,0,1} +S 2:2 +sbwt none +sbwtdcpu none +sbwtdio none',
  };
}

async function answersManagement(address: string): Promise<boolean> {
  const login = Buffer.from('guest:guest').toString('base64');
  try {
    const answer = await fetch(`${address}/api/overview`, {
      headers: { authorization: `Basic ${login}` },
      signal: AbortSignal.timeout(2000),
    });
    await answer.body?.cancel();
    return answer.ok;
  } catch {
    return false;
  }
}

function accepts(port: number): Promise<boolean> {
  return new Promise((answer) => {
    const socket = connect(port, '127.0.0.1');
    const done = (open: boolean) => {
      socket.destroy();
      answer(open);
    };
    socket.once('connect', () => done(true));
    socket.once('error', () => done(false));
  });
}
