/** An emulator of Amazon SNS, with the SQS behind its subscriptions: ministack. It delivers to no dead-letter queue of a subscription. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { cacheFolder } from './cache-folder.ts';
import { freePorts } from './free-ports.ts';
import { runInFolder } from './run-in-folder.ts';
import type { Means, RunningBroker } from './running-broker.ts';
import { ServerProcess } from './server-process.ts';

const run = promisify(execFile);

export const ministackVersion = '1.5.33';

/** Its programs name the folder that they were made in, so it is made where it stays. */
function installationFolder(): string {
  return join(cacheFolder(), `ministack-${ministackVersion}`);
}

/** Made last: where it is, the folder is whole. */
function packages(): string {
  return join(installationFolder(), 'packages');
}

export async function meansToRun(): Promise<Means> {
  if (existsSync(packages())) return { able: true };
  return run('python3', ['-m', 'pip', '--version']).then(
    (): Means => ({ able: true }),
    (): Means => ({
      able: false,
      reason: `ministack ${ministackVersion} is not there and Python's pip to fetch it is not found`,
      remedy: 'install python3 with pip, or start an emulator and set MQCTL_TEST_SNS',
    }),
  );
}

/** A folder of Python's packages, fetched at the first call by pip from whatever index this machine is set to. */
async function installation(): Promise<string> {
  const folder = packages();
  if (existsSync(folder)) return folder;
  await mkdir(installationFolder(), { recursive: true });
  const work = await mkdtemp(join(installationFolder(), 'fetching-'));
  process.stderr.write(`fetching ministack ${ministackVersion} by pip into ${folder}\n`);
  try {
    await run(
      'python3',
      [
        '-m',
        'pip',
        'install',
        '--quiet',
        '--target',
        join(work, 'packages'),
        `ministack==${ministackVersion}`,
      ],
      { timeout: 10 * 60_000, maxBuffer: 16 * 1024 * 1024 },
    );
    // Whole or not at all; who fetched at the same time and was first is as good.
    await rename(join(work, 'packages'), folder).catch((error: unknown) => {
      if (!existsSync(folder)) throw error;
    });
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  return folder;
}

/** At `http://127.0.0.1:…`; the data is in memory, and gone after a restart. */
export async function startMinistack(options: { readonly port?: number } = {}): Promise<RunningBroker> {
  const [free = 0] = await freePorts(1);
  const port = options.port ?? free;
  const address = `http://127.0.0.1:${String(port)}`;
  const folder = await mkdtemp(join(tmpdir(), 'mqctl-sns-'));
  const home = await installation();
  const server = new ServerProcess({
    name: 'ministack',
    command: 'python3',
    arguments: [join(home, 'bin', 'ministack')],
    environment: {
      PYTHONPATH: home,
      BIND_HOST: '127.0.0.1',
      GATEWAY_PORT: String(port),
      SERVICES: 'sqs,sns',
      S3_DATA_DIR: folder,
    },
    logFile: join(folder, 'server.log'),
    ready: async () => {
      const answer = await fetch(`${address}/_ministack/health`).catch(() => null);
      return answer?.ok === true;
    },
    readyWithinMs: 60_000,
  });
  return runInFolder(server, folder, { address, environment: { MQCTL_TEST_SNS: address } });
}
