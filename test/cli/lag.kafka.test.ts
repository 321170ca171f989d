/** What `lag` tells of a group after a single look, on a real Kafka. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { numbered } from '../contract/suite/messages.ts';
import { system } from '../contract/systems/kafka.ts';
import { addressOf, without } from '../brokers/needs.ts';
import { parseCsv, withoutCsvParser } from './csv-parser.ts';
import { isObject } from './random-records.ts';
import { workplace, type Workplace } from './workplace.ts';

const skip = without('kafka');
const minute = 60_000;

async function produceAt({ done }: Workplace, topic: string, times: readonly number[]): Promise<void> {
  const lines = times.map((at) =>
    JSON.stringify({ key: 'k', value: 'x', timestamp: new Date(at).toISOString() }),
  );
  await done(['produce', topic, '--format', 'ndjson', '--keep', 'timestamp'], lines.join('\n'));
}

/** A group that has read the first of the messages, and went. */
async function stoppedAfterOne(
  place: Workplace,
  createWords: readonly string[],
  times: readonly number[],
): Promise<{ readonly topic: string; readonly group: string }> {
  const topic = await place.channel(...createWords);
  const group = `lag-${randomUUID()}`;
  await produceAt(place, topic, times);
  await place.done(['consume', topic, '--group', group, '--from', 'start', '--limit', '1']);
  return { topic, group };
}

async function lagOf(
  { done }: Workplace,
  group: string,
): Promise<{ of: Record<string, unknown>; said: string }> {
  const { stdout, stderr } = await done(['lag', group, '-o', 'json']);
  const report: unknown = JSON.parse(stdout.toString());
  assert.ok(isObject(report) && Array.isArray(report['groups']));
  const of: unknown = report['groups'][0];
  assert.ok(isObject(of));
  return { of, said: stderr };
}

test(
  'a consumer that stopped ten minutes ago by the records’ clock is ten minutes behind, without an earlier sample',
  { skip },
  async (t) => {
    const place = await workplace(t, `kafka://${addressOf('kafka')}`);
    const now = Date.now();
    const { group } = await stoppedAfterOne(place, [], [now - 11 * minute, now - 10 * minute, now - minute]);
    const { of } = await lagOf(place, group);
    assert.ok(typeof of['timeLagMs'] === 'number');
    const late = of['timeLagMs'] - (Date.now() - (now - 10 * minute));
    assert.ok(late <= 0 && late > -minute, String(of['timeLagMs']));
    assert.deepEqual([of['lag'], of['status'], of['atMost'], of['rateOut']], [2, 'empty', false, null]);
    assert.ok(
      typeof of['rateIn'] === 'number' && of['rateIn'] > 0,
      'one record came within the last minutes',
    );
  },
);

test(
  'as CSV, by a CSV parser: one row for each group or partition, scalars only, unknown is empty and never 0',
  { skip: skip || withoutCsvParser },
  async (t) => {
    const place = await workplace(t, `kafka://${addressOf('kafka')}`);
    const now = Date.now();
    const times = [now - 11 * minute, now - 10 * minute, now - minute];
    const { topic, group } = await stoppedAfterOne(place, [], times);
    // A name that has to be quoted: what is nobody's own must not move the columns.
    const quoted = `${group}, "late"`;
    await place.done(['consume', topic, '--group', quoted, '--from', 'start', '--limit', '2']);
    const rowsOf = async (...words: readonly string[]) =>
      parseCsv((await place.done(['lag', group, quoted, ...words, '-o', 'csv'])).stdout.toString());

    const groups = await rowsOf();
    assert.deepEqual(
      groups
        .map((row) => [
          row['group'],
          row['channel'],
          row['lag'],
          row['status'],
          row['members'],
          row['rateOut'],
        ])
        .sort(),
      [
        [quoted, topic, '1', 'empty', '0', ''],
        [group, topic, '2', 'empty', '0', ''],
      ],
    );
    const behind = Number(groups.find((row) => row['group'] === group)?.['timeLagMs']);
    assert.ok(behind >= 10 * minute && behind < 20 * minute, String(behind));
    for (const row of groups)
      for (const [name, cell] of Object.entries(row)) assert.doesNotMatch(cell, /^[[{]/, name);

    const partitions = await rowsOf('--by', 'partition');
    assert.deepEqual(
      partitions
        .map((row) => [
          row['group'],
          row['partition'],
          row['committed'],
          row['end'],
          row['lag'],
          row['owner'],
        ])
        .sort(),
      [
        [quoted, '0', '2', '3', '1', ''],
        [group, '0', '1', '3', '2', ''],
      ],
    );
    await place.done(['groups', 'delete', quoted, '--yes']);
  },
);

test('a record ahead of the clock makes the age unknown, and that is said', { skip }, async (t) => {
  const place = await workplace(t, `kafka://${addressOf('kafka')}`);
  const { group } = await stoppedAfterOne(place, [], [Date.now(), Date.now() + 60 * minute]);
  const { of, said } = await lagOf(place, group);
  assert.equal(of['timeLagMs'], null);
  assert.match(said, /ahead of this machine's clock/);
});

test('a topic with gaps tells at most the difference, and says so', { skip }, async (t) => {
  const place = await workplace(t, `kafka://${addressOf('kafka')}`);
  const { group } = await stoppedAfterOne(
    place,
    ['--setting', 'cleanup.policy=compact'],
    [Date.now(), Date.now()],
  );
  const { of } = await lagOf(place, group);
  assert.equal(of['atMost'], true);
  const { stdout, stderr } = await place.done(['lag', group]);
  assert.match(stdout.toString(), /≤ 1/);
  assert.match(stderr, /≤: .*fewer wait/);
});

test(
  'where transactions were aborted behind the position, it tells at most the difference, and says so',
  { skip },
  async (t) => {
    const place = await workplace(t, `kafka://${addressOf('kafka')}`);
    const { topic, group } = await stoppedAfterOne(place, [], [Date.now(), Date.now()]);
    assert.deepEqual(
      [(await lagOf(place, group)).of['atMost'], (await lagOf(place, group)).of['lag']],
      [false, 1],
    );
    const { signal } = new AbortController();
    const environment = { log: () => undefined, timeoutMs: 10_000, signal, stateFolder: place.folder };
    const driver = await system.open(system.connection(), environment);
    t.after(() => driver.close());
    const request = { channel: topic, delivery: 'transactional', compression: null } as const;
    const aborted = await driver.publish?.open(request, signal);
    assert.ok(aborted !== undefined);
    await aborted.send(numbered(3));
    await aborted.abort();
    await aborted.close();
    await place.done(['produce', topic, '--value', 'after']);
    // Two wait; the aborted ones and their mark are offsets, too.
    const { of } = await lagOf(place, group);
    assert.deepEqual([of['lag'], of['atMost']], [6, true]);
    const { stdout, stderr } = await place.done(['lag', group]);
    assert.match(stdout.toString(), /≤ 6/);
    assert.match(stderr, /≤: .*fewer wait/);
    // Of dead letters it is the same: three records lie there among seven offsets.
    const dead = await place.done(['dlq', 'ls', '--match', topic]);
    assert.match(dead.stdout.toString(), /≤ 7/);
    assert.match(dead.stderr, /≤: .*fewer wait/);
    const listed = await place.done(['dlq', 'ls', '--match', topic, '-o', 'json']);
    assert.partialDeepStrictEqual(JSON.parse(listed.stdout.toString()), {
      channels: [{ depth: 7, atMost: true }],
    });
    await place.done(['consume', topic, '--group', group, '--limit', '2']);
    assert.equal((await lagOf(place, group)).of['lag'], 0);
  },
);

test(
  'what retention is about to remove is losing, and the remedy is printed and is a command that works',
  { skip },
  async (t) => {
    const place = await workplace(t, `kafka://${addressOf('kafka')}`);
    const old = Date.now() - 10 * minute;
    const { topic, group } = await stoppedAfterOne(place, ['--setting', 'retention.ms=630000'], [old, old]);
    const { code, stderr } = await place.run(['lag', group, '--fail-on', 'losing']);
    assert.equal(code, 3, stderr);
    assert.match(stderr, / until retention; mqctl set /);
    const words = /mqctl (set \S+ --setting retention\.ms=1260000)/.exec(stderr)?.[1]?.split(' ');
    assert.ok(words !== undefined, stderr);
    await place.done([...words, '--yes']);
    const { of } = await lagOf(place, group);
    assert.equal(of['status'], 'empty', `${topic} is kept longer now`);
  },
);
