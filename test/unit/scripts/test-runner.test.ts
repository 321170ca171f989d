import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { test } from 'node:test';
import { closingLines, matrixLines } from '../../../scripts/test-runner/closing-lines.ts';
import { testGroups } from '../../../scripts/test-runner/groups.ts';
import type { TestResult } from '../../../scripts/test-runner/results-reporter.ts';
import { readResults } from '../../../scripts/test-runner/results-reporter.ts';
import { serverMode } from '../../../scripts/test-runner/servers.ts';

test('a test file belongs to the group that its place and name say', async (t) => {
  const root = await mkdtemp(join(tmpdir(), 'groups-'));
  t.after(() => rm(root, { recursive: true }));
  const files = [
    'test/unit/drivers/kafka.test.ts',
    'test/cli/pipes.test.ts',
    'test/contract/local.test.ts',
    'test/contract/kafka.test.ts',
    'test/faults/kill.kafka.test.ts',
    'test/contract/kafka-secure.test.ts',
    'test/cli/replay.kafka-and-rabbitmq.test.ts',
    'test/faults/broker-dies.own-kafka.test.ts',
    'test/brokers/needs.ts',
  ];
  for (const file of files) {
    await mkdir(dirname(join(root, file)), { recursive: true });
    await writeFile(join(root, file), '');
  }
  const groups = testGroups(root).map(({ name, files, servers, ownServers }) => [
    name,
    files,
    servers,
    ownServers,
  ]);
  assert.deepEqual(groups, [
    ['unit', ['test/unit/drivers/kafka.test.ts'], [], []],
    ['local', ['test/cli/pipes.test.ts', 'test/contract/local.test.ts'], [], []],
    ['kafka', ['test/contract/kafka.test.ts', 'test/faults/kill.kafka.test.ts'], ['kafka'], []],
    ['kafka-secure', ['test/contract/kafka-secure.test.ts'], ['kafka-secure'], []],
    ['kafka-and-rabbitmq', ['test/cli/replay.kafka-and-rabbitmq.test.ts'], ['kafka', 'rabbitmq'], []],
    ['own-kafka', ['test/faults/broker-dies.own-kafka.test.ts'], [], ['kafka']],
  ]);
});

test('the closing lines say what failed, what was skipped, why, and how to run it', () => {
  const results: TestResult[] = [
    { path: ['order is kept'], status: 'passed', reason: null },
    { path: ['a lease', 'expires'], status: 'failed', reason: null },
    { path: ['a cut'], status: 'skipped', reason: 'no kafka server: set MQCTL_TEST_KAFKA' },
  ];
  const missing = [{ missing: 'no Java on this machine', remedy: 'install Java 17' }];
  const text = closingLines([{ name: 'kafka', files: 2, results, missing, problem: null }]).join('\n');
  assert.match(text, /^kafka +1 +1 +1 +0$/m);
  assert.match(text, /failed in kafka: a lease > expires/);
  assert.match(text, /1 skipped: no kafka server: set MQCTL_TEST_KAFKA/);
  assert.match(text, /no Java on this machine\n +to run it: install Java 17/);
});

test('the matrix has a row for each case and a column for each system', () => {
  const lines = matrixLines([
    { path: ['contract: local', 'publish', 'order is kept'], status: 'passed', reason: null },
    { path: ['contract: kafka', 'publish', 'order is kept'], status: 'failed', reason: null },
    { path: ['contract: kafka', 'claim', 'a lease runs out'], status: 'not applicable', reason: '' },
    { path: ['something else'], status: 'passed', reason: null },
  ]);
  assert.deepEqual(
    lines.map((line) => line.trim().split(/ {2,}/)),
    [
      ['local', 'kafka'],
      ['publish: order is kept', 'ok', 'FAILED'],
      ['claim: a lease runs out', '–'],
    ],
  );
});

test('a line that the reporter did not write is refused', () => {
  assert.throws(() => readResults('{"path":["a"],"status":"perhaps"}\n'), /no result of a test/);
});

test('a value of MQCTL_TEST_SERVERS that means nothing is refused', () => {
  assert.equal(serverMode(undefined), 'where-possible');
  assert.equal(serverMode('required'), 'required');
  assert.throws(() => serverMode('yes'), /leave it unset, or say "none" or "required"/);
});
