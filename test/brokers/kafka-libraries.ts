import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { cacheFolder } from './cache-folder.ts';
import type { Means } from './running-broker.ts';

const run = promisify(execFile);

export const kafkaVersion = '4.3.1';

const artifacts = [
  ['org.apache.kafka', 'kafka_2.13', kafkaVersion],
  ['org.apache.kafka', 'kafka-tools', kafkaVersion],
  ['org.apache.logging.log4j', 'log4j-slf4j-impl', '2.25.4'],
] as const;

const oldestJava = 17;

function librariesFolder(): string {
  return join(cacheFolder(), `kafka-${kafkaVersion}`, 'libs');
}

export function meansToRun(): Promise<Means> {
  return meansToFetchByMaven(`Kafka ${kafkaVersion}`, librariesFolder(), 'MQCTL_TEST_KAFKA');
}

/** A server of Maven's needs Java to run and Maven to be fetched; once it is in `folder`, Java alone. */
export async function meansToFetchByMaven(name: string, folder: string, variable: string): Promise<Means> {
  const java = await javaVersion();
  if (java === null || java < oldestJava) {
    const found = java === null ? 'no java was found' : `java is version ${String(java)}`;
    return {
      able: false,
      reason: `${name} needs Java ${String(oldestJava)} or newer; ${found}`,
      remedy: `install a Java runtime and Maven, or name a running one in ${variable}`,
    };
  }
  if (!existsSync(folder) && !(await answers('mvn', ['--version']))) {
    return {
      able: false,
      reason: `${name} is fetched by Maven; no mvn was found`,
      remedy: `install Maven, or name a running one in ${variable}`,
    };
  }
  return { able: true };
}

/** The folder with the jars, fetched at the first call by whatever repositories this machine's Maven is set to. */
export async function kafkaLibraries(): Promise<string> {
  const folder = librariesFolder();
  if (existsSync(folder)) return folder;
  const parent = join(folder, '..');
  await mkdir(parent, { recursive: true });
  const work = await mkdtemp(join(parent, 'fetching-'));
  process.stderr.write(`fetching Kafka ${kafkaVersion} by Maven into ${folder}\n`);
  try {
    await writeFile(join(work, 'pom.xml'), pom());
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

function pom(): string {
  const dependencies = artifacts.map(
    ([group, artifact, version]) =>
      `<dependency><groupId>${group}</groupId><artifactId>${artifact}</artifactId><version>${version}</version></dependency>`,
  );
  return `<project>
<modelVersion>4.0.0</modelVersion><groupId>mqctl</groupId><artifactId>test-kafka</artifactId><version>1</version><packaging>pom</packaging>
<dependencies>
${dependencies.join('\n')}
</dependencies>
</project>
`;
}

async function javaVersion(): Promise<number | null> {
  try {
    const { stderr, stdout } = await run('java', ['-version'], { timeout: 20_000 });
    const major = /version "(\d+)/.exec(stderr + stdout)?.[1];
    return major === undefined ? null : Number(major);
  } catch {
    return null;
  }
}

async function answers(command: string, words: readonly string[]): Promise<boolean> {
  try {
    await run(command, words, { timeout: 30_000 });
    return true;
  } catch {
    return false;
  }
}
