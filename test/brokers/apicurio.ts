/** Apicurio Registry in memory: its own API and the one of Confluent. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { cacheFolder } from './cache-folder.ts';
import { freePorts } from './free-ports.ts';
import { meansToFetchByMaven } from './kafka-libraries.ts';
import { javaFlags } from './kafka-server.ts';
import { runInFolder } from './run-in-folder.ts';
import type { Means, RunningBroker } from './running-broker.ts';
import { ServerProcess } from './server-process.ts';

const run = promisify(execFile);

/** The newest that runs on Java 17. */
export const apicurioVersion = '3.0.9';

function installationFolder(): string {
  return join(cacheFolder(), `apicurio-registry-${apicurioVersion}`);
}

export function meansToRun(): Promise<Means> {
  return meansToFetchByMaven(
    `Apicurio Registry ${apicurioVersion}`,
    installationFolder(),
    'MQCTL_TEST_REGISTRY',
  );
}

/** The unpacked application, fetched at the first call by whatever repositories this machine's Maven is set to. */
async function installation(): Promise<string> {
  const folder = installationFolder();
  if (existsSync(folder)) return folder;
  await mkdir(cacheFolder(), { recursive: true });
  const work = await mkdtemp(join(cacheFolder(), 'fetching-'));
  process.stderr.write(`fetching Apicurio Registry ${apicurioVersion} by Maven into ${folder}\n`);
  try {
    const archive = `apicurio-registry-app-${apicurioVersion}-all.tar.gz`;
    const unpacked = join(work, 'unpacked');
    await mkdir(unpacked);
    await run(
      'mvn',
      [
        '-q',
        '-B',
        'org.apache.maven.plugins:maven-dependency-plugin:2.8:copy',
        `-Dartifact=io.apicurio:apicurio-registry-app:${apicurioVersion}:tar.gz:all`,
        `-DoutputDirectory=${work}`,
      ],
      { cwd: work, timeout: 15 * 60_000, maxBuffer: 16 * 1024 * 1024 },
    );
    await run('tar', ['xzf', join(work, archive), '-C', unpacked]);
    // Whole or not at all; who fetched at the same time and was first is as good.
    await rename(unpacked, folder).catch((error: unknown) => {
      if (!existsSync(folder)) throw error;
    });
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  return folder;
}

/** At `http://127.0.0.1:…`; the data is in memory, and gone after a restart. */
export async function startApicurio(options: { readonly port?: number } = {}): Promise<RunningBroker> {
  const [free = 0, management = 0] = await freePorts(2);
  const port = options.port ?? free;
  const address = `http://127.0.0.1:${String(port)}`;
  const folder = await mkdtemp(join(tmpdir(), 'mqctl-registry-'));
  const home = await installation();
  const server = new ServerProcess({
    name: 'registry',
    command: 'java',
    arguments: [
      ...javaFlags.filter((flag) => !flag.startsWith('-Xm')),
      '-Xmx384m',
      '-Dquarkus.http.host=127.0.0.1',
      `-Dquarkus.http.port=${String(port)}`,
      '-Dquarkus.management.host=127.0.0.1',
      `-Dquarkus.management.port=${String(management)}`,
      '-jar',
      join(home, `apicurio-registry-app-${apicurioVersion}-runner.jar`),
    ],
    logFile: join(folder, 'server.log'),
    ready: async () => {
      const answer = await fetch(`${address}/apis/registry/v3/system/info`).catch(() => null);
      return answer?.ok === true;
    },
    readyWithinMs: 120_000,
  });
  return runInFolder(server, folder, { address, environment: { MQCTL_TEST_REGISTRY: address } });
}
