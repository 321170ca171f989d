/**
 * Runs the tests: `npm test`.
 *
 *     npm test                                   everything that this machine can run
 *     npm test -- --group kafka                  one group (repeatable); groups are in test-runner/groups.ts
 *     npm test -- contract/kafka                 the files whose path contains this
 *     npm test -- --name "null key"              the tests whose name matches
 *
 * Servers are started one group at a time and stopped by their process id, on failure and on Ctrl-C, too.
 * MQCTL_TEST_SERVERS: unset starts what this machine has the means for and skips the rest, saying why; `none` starts
 * nothing; `required` fails where a server is missing or a test was skipped. MQCTL_TEST_KAFKA, MQCTL_TEST_KAFKA_SECURE,
 * MQCTL_TEST_RABBITMQ, MQCTL_TEST_REGISTRY, MQCTL_TEST_SQS, MQCTL_TEST_REDIS, MQCTL_TEST_VALKEY and
 * MQCTL_TEST_REDIS_CLUSTER name servers that run already.
 */
import { spawn } from 'node:child_process';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { parseArgs } from 'node:util';
import type { RunningBroker } from '../test/brokers/running-broker.ts';
import { closingLines, matrixLines } from './test-runner/closing-lines.ts';
import type { GroupReport } from './test-runner/closing-lines.ts';
import { testGroups } from './test-runner/groups.ts';
import type { TestGroup } from './test-runner/groups.ts';
import { readResults } from './test-runner/results-reporter.ts';
import type { TestResult } from './test-runner/results-reporter.ts';
import { findServer, missingMeans, serverMode } from './test-runner/servers.ts';

const root = dirname(import.meta.dirname);
/** Every test file and every worker is a process of its own: what one has compiled, the others need not. */
const compiledFolder = join(root, '.cache', 'compiled');
/** A group that takes longer hangs. */
const groupTimeoutMs = 40 * 60_000;

const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: { group: { type: 'string', multiple: true }, name: { type: 'string' } },
});
const mode = serverMode(process.env['MQCTL_TEST_SERVERS']);
const interrupted = new AbortController();
for (const name of ['SIGINT', 'SIGTERM'] as const) process.on(name, () => interrupted.abort());

const reports: GroupReport[] = [];
for (const group of chosenGroups()) {
  if (interrupted.signal.aborted) break;
  note(`${group.name}: ${group.files.length} files`);
  reports.push(await runGroup(group));
}
if (reports.length === 0)
  throw new Error('no test file is chosen: see the groups in scripts/test-runner/groups.ts');

const results = reports.flatMap((report) => report.results);
console.log(['', ...matrixLines(results), ...closingLines(reports)].join('\n'));
const failed =
  reports.some(({ problem }) => problem !== null) || results.some(({ status }) => status === 'failed');
const skipped =
  reports.some(({ missing }) => missing.length > 0) || results.some(({ status }) => status === 'skipped');
if (mode === 'required' && skipped)
  console.log('\nfailed: MQCTL_TEST_SERVERS=required, and tests were skipped');
if (interrupted.signal.aborted) console.log('\ninterrupted: not everything was run');
process.exitCode = interrupted.signal.aborted ? 130 : failed || (mode === 'required' && skipped) ? 1 : 0;

function chosenGroups(): TestGroup[] {
  return testGroups(root)
    .filter(({ name }) => values.group === undefined || values.group.includes(name))
    .map((group) => ({
      ...group,
      files: group.files.filter(
        (file) => positionals.length === 0 || positionals.some((part) => file.includes(part)),
      ),
    }))
    .filter(({ files }) => files.length > 0);
}

async function runGroup(group: TestGroup): Promise<GroupReport> {
  const report = { name: group.name, files: group.files.length };
  const lacking = (await Promise.all(group.ownServers.map((server) => missingMeans(server, mode)))).filter(
    (one) => one !== null,
  );
  if (lacking.length > 0) return { ...report, results: [], missing: lacking, problem: null };

  const missing: { missing: string; remedy: string }[] = [];
  const brokers: RunningBroker[] = [];
  try {
    for (const server of group.servers) {
      const found = await findServer(server, mode, note);
      if ('missing' in found) missing.push(found);
      else if (found.broker !== 'named by the environment') brokers.push(found.broker);
    }
    if (interrupted.signal.aborted) return { ...report, results: [], missing, problem: 'interrupted' };
    const environment = Object.fromEntries(brokers.flatMap((broker) => Object.entries(broker.environment)));
    return { ...report, missing, ...(await runFiles(group, environment)) };
  } finally {
    for (const broker of brokers) await broker.stop();
  }
}

/** Tests without their server skip themselves, so that the closing lines can count them. */
async function runFiles(
  { name, files }: TestGroup,
  environment: Readonly<Record<string, string>>,
): Promise<{ results: TestResult[]; problem: string | null }> {
  const folder = await mkdtemp(join(tmpdir(), 'mqctl-test-'));
  const resultsFile = join(folder, 'results.ndjson');
  const flags = [
    '--test',
    ...(name === 'unit' ? ['--test-isolation=none'] : []),
    ...(values.name === undefined ? [] : [`--test-name-pattern=${values.name}`]),
    '--test-reporter=spec',
    '--test-reporter-destination=stdout',
    `--test-reporter=${join(import.meta.dirname, 'test-runner/results-reporter.ts')}`,
    `--test-reporter-destination=${resultsFile}`,
  ];
  try {
    const end = await runNode([...flags, ...files], environment);
    const written = await readFile(resultsFile, 'utf8').catch(() => '');
    const results = readResults(written);
    // A failure that no test reports: a file that does not load, a process that does not end.
    const unexplained = end !== null && !results.some(({ status }) => status === 'failed');
    const last = results.at(-1)?.path.join(': ') ?? 'none';
    return { results, problem: unexplained ? `${end}; the last test that ended: ${last}` : null };
  } finally {
    await rm(folder, { recursive: true });
  }
}

/** Null where it ended well, else how it ended. */
function runNode(
  args: readonly string[],
  environment: Readonly<Record<string, string>>,
): Promise<string | null> {
  const child = spawn(process.execPath, args, {
    cwd: root,
    stdio: ['ignore', 'inherit', 'inherit'],
    env: { NODE_COMPILE_CACHE: compiledFolder, ...process.env, ...environment },
  });
  const stop = () => child.kill('SIGTERM');
  interrupted.signal.addEventListener('abort', stop, { once: true });
  const timer = setTimeout(() => {
    note(`stopped after ${groupTimeoutMs / 60_000} minutes`);
    child.kill('SIGKILL');
  }, groupTimeoutMs);
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => {
      clearTimeout(timer);
      interrupted.signal.removeEventListener('abort', stop);
      resolve(code === 0 ? null : `the test process ended with ${signal ?? String(code)}`);
    });
  });
}

function note(line: string): void {
  console.log(`# ${line}`);
}
