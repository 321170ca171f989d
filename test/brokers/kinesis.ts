/** An emulator of Amazon Kinesis in memory: kinesis-local (kinesis-mock). The service itself cannot be run anywhere else. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { cacheFolder } from './cache-folder.ts';
import { freePorts } from './free-ports.ts';
import { runInFolder } from './run-in-folder.ts';
import type { Means, RunningBroker } from './running-broker.ts';
import { ServerProcess } from './server-process.ts';

const run = promisify(execFile);

export const kinesisLocalVersion = '0.6.2';

function installationFolder(): string {
  return join(cacheFolder(), `kinesis-local-${kinesisLocalVersion}`);
}

export async function meansToRun(): Promise<Means> {
  if (existsSync(installationFolder())) return { able: true };
  return run('npm', ['--version']).then(
    (): Means => ({ able: true }),
    (): Means => ({
      able: false,
      reason: `kinesis-local ${kinesisLocalVersion} is not there and npm to fetch it is not found`,
      remedy: 'install npm, or start an emulator and set MQCTL_TEST_KINESIS',
    }),
  );
}

/** The package's folder, fetched at the first call by npm from whatever registry this machine is set to. */
async function installation(): Promise<string> {
  const folder = installationFolder();
  const home = join(folder, 'node_modules', 'kinesis-local');
  if (existsSync(folder)) return home;
  await mkdir(cacheFolder(), { recursive: true });
  const work = await mkdtemp(join(cacheFolder(), 'fetching-'));
  process.stderr.write(`fetching kinesis-local ${kinesisLocalVersion} by npm into ${folder}\n`);
  try {
    await writeFile(join(work, 'package.json'), '{ "private": true }\n');
    await run(
      'npm',
      [
        'install',
        '--no-audit',
        '--no-fund',
        '--ignore-scripts',
        '--save-exact',
        `kinesis-local@${kinesisLocalVersion}`,
      ],
      { cwd: work, timeout: 10 * 60_000 },
    );
    // Whole or not at all; who fetched at the same time and was first is as good.
    await rename(work, folder).catch((error: unknown) => {
      if (!existsSync(folder)) throw error;
    });
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  return home;
}

/** At `http://127.0.0.1:…`; the data is in memory, and gone after a restart. It listens on all interfaces: it knows no other way. */
export async function startKinesis(options: { readonly port?: number } = {}): Promise<RunningBroker> {
  const [free = 0, tls = 0] = await freePorts(2);
  const port = options.port ?? free;
  const address = `http://127.0.0.1:${String(port)}`;
  const folder = await mkdtemp(join(tmpdir(), 'mqctl-kinesis-'));
  const home = await installation();
  const soon = '50ms';
  const server = new ServerProcess({
    name: 'kinesis-local',
    // It reads its certificate from the folder that it is started in.
    command: 'sh',
    arguments: ['-c', 'cd "$1" && exec "$2" main.js', 'sh', home, process.execPath],
    environment: {
      KINESIS_MOCK_PLAIN_PORT: String(port),
      KINESIS_MOCK_TLS_PORT: String(tls),
      CREATE_STREAM_DURATION: soon,
      DELETE_STREAM_DURATION: soon,
      SPLIT_SHARD_DURATION: soon,
      MERGE_SHARDS_DURATION: soon,
      UPDATE_SHARD_COUNT_DURATION: soon,
      LOG_LEVEL: 'ERROR',
      SHARD_LIMIT: '1000',
    },
    logFile: join(folder, 'server.log'),
    ready: async () => {
      const answer = await fetch(`${address}/healthcheck`).catch(() => null);
      return answer?.ok === true;
    },
    readyWithinMs: 60_000,
  });
  return runInFolder(server, folder, { address, environment: { MQCTL_TEST_KINESIS: address } });
}
