/** ElasticMQ, an emulator of Amazon SQS: nothing here is AWS itself. */
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
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

export const elasticmqVersion = '1.7.1';

function librariesFolder(): string {
  return join(cacheFolder(), `elasticmq-${elasticmqVersion}`, 'libs');
}

export function meansToRun(): Promise<Means> {
  return meansToFetchByMaven(`ElasticMQ ${elasticmqVersion}`, librariesFolder(), 'MQCTL_TEST_SQS');
}

/** The folder with the jars, fetched at the first call by whatever repositories this machine's Maven is set to. */
async function libraries(): Promise<string> {
  const folder = librariesFolder();
  if (existsSync(folder)) return folder;
  const parent = join(folder, '..');
  await mkdir(parent, { recursive: true });
  const work = await mkdtemp(join(parent, 'fetching-'));
  process.stderr.write(`fetching ElasticMQ ${elasticmqVersion} by Maven into ${folder}\n`);
  try {
    await writeFile(join(work, 'pom.xml'), pom);
    const fetched = join(work, 'libs');
    await run(
      'mvn',
      ['-q', '-B', 'dependency:copy-dependencies', '-DincludeScope=runtime', `-DoutputDirectory=${fetched}`],
      { cwd: work, timeout: 15 * 60_000, maxBuffer: 16 * 1024 * 1024 },
    );
    // Whole or not at all; who fetched at the same time and was first is as good.
    await rename(fetched, folder).catch((error: unknown) => {
      if (!existsSync(folder)) throw error;
    });
  } finally {
    await rm(work, { recursive: true, force: true });
  }
  return folder;
}

const pom = `<project>
<modelVersion>4.0.0</modelVersion><groupId>mqctl</groupId><artifactId>test-elasticmq</artifactId><version>1</version><packaging>pom</packaging>
<dependencies>
<dependency><groupId>org.elasticmq</groupId><artifactId>elasticmq-server_2.13</artifactId><version>${elasticmqVersion}</version></dependency>
</dependencies>
</project>
`;

const settings = (port: number): string => `include classpath("application.conf")
node-address { protocol = http, host = "127.0.0.1", port = ${String(port)}, context-path = "" }
rest-sqs { enabled = true, bind-hostname = "127.0.0.1", bind-port = ${String(port)}, sqs-limits = strict }
rest-stats { enabled = false }
aws { region = us-east-1, accountId = 000000000000 }
`;

/** At `http://127.0.0.1:…`; the data is in memory, and gone after a restart. Any access key may do everything. */
export async function startElasticmq(options: { readonly port?: number } = {}): Promise<RunningBroker> {
  const [free = 0] = await freePorts(1);
  const port = options.port ?? free;
  const address = `http://127.0.0.1:${String(port)}`;
  const home = await libraries();
  const folder = await mkdtemp(join(tmpdir(), 'mqctl-elasticmq-'));
  await writeFile(join(folder, 'elasticmq.conf'), settings(port));
  const server = new ServerProcess({
    name: 'elasticmq',
    command: 'java',
    arguments: [
      ...javaFlags.filter((flag) => !flag.startsWith('-Xm')),
      '-Xmx256m',
      `-Dconfig.file=${join(folder, 'elasticmq.conf')}`,
      '-cp',
      join(home, '*'),
      'org.elasticmq.server.Main',
    ],
    logFile: join(folder, 'server.log'),
    ready: async () => {
      const answer = await fetch(`${address}/?Action=ListQueues`).catch(() => null);
      return answer?.ok === true;
    },
    readyWithinMs: 120_000,
  });
  return runInFolder(server, folder, { address, environment: { MQCTL_TEST_SQS: address } });
}
