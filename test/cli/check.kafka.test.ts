/** Each row of what `check` measures, provoked on a real Kafka and found, and quiet where all is well. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'node:test';
import { addressOf, without } from '../brokers/needs.ts';
import { isObject } from './random-records.ts';
import { workplace, type Workplace } from './workplace.ts';

const skip = without('kafka');
/** Looks that follow each other sooner are not kept. */
const betweenLooksMs = 5_500;

interface Row {
  readonly id: string;
  readonly correlation: string;
  readonly at: number;
}

async function produce({ done }: Workplace, topic: string, rows: readonly Row[]): Promise<void> {
  const lines = rows.map(({ id, correlation, at }) =>
    JSON.stringify({
      key: correlation,
      value: `order ${id}`,
      headers: [
        ['message-id', id],
        ['correlation-id', correlation],
      ],
      timestamp: new Date(at).toISOString(),
    }),
  );
  await done(['produce', topic, '--format', 'ndjson', '--keep', 'timestamp'], lines.join('\n'));
}

function rows(count: number, at: number): Row[] {
  return Array.from({ length: count }, () => ({ id: randomUUID(), correlation: randomUUID(), at }));
}

/** The answers by check, and the exit code. */
async function check(
  { run }: Workplace,
  words: readonly string[],
): Promise<{
  readonly code: number | null;
  readonly answers: ReadonlyMap<string, string>;
  readonly text: string;
}> {
  const { code, stdout, stderr } = await run(['check', ...words, '-o', 'json']);
  const text = stdout.toString() + stderr;
  assert.ok(code === 0 || code === 3, text);
  const document: unknown = JSON.parse(stdout.toString());
  assert.ok(isObject(document) && Array.isArray(document['checks']));
  const answers = new Map<string, string>();
  for (const each of document['checks']) {
    assert.ok(isObject(each) && typeof each['evidence'] === 'string' && each['evidence'] !== '');
    const id = String(each['check']);
    // The worst of several channels.
    if (answers.get(id) !== 'fail') answers.set(id, String(each['status']));
  }
  return { code, answers, text };
}

test('what is measured is found where it is provoked, and quiet where it is well', { skip }, async (t) => {
  const place = await workplace(t, `kafka://${addressOf('kafka')}`);
  const { done, run, channel } = place;
  const now = Date.now();
  const [well, wellPaid, sick, sickPaid] = [
    await channel(),
    await channel(),
    await channel(),
    await channel(),
  ];
  const beside = [`${well}.dlq`, `${sick}.dlq`, `${sick}.retry`];
  const groups = { well: `check-${randomUUID()}`, sick: `check-${randomUUID()}` };
  try {
    for (const name of beside) await done(['create', name]);
    const orders = rows(40, now - 60_000);
    await produce(place, well, orders);
    await produce(
      place,
      wellPaid,
      orders.map((row) => ({ ...row, at: row.at + 200 })),
    );
    await done(['consume', well, '--group', groups.well, '--from', 'start', '--limit', '40']);
    await produce(place, sick, [...orders, ...orders.slice(0, 5)]);
    await produce(
      place,
      sickPaid,
      orders.map((row) => ({ ...row, at: row.at + 9_000 })),
    );
    await done(['consume', sick, '--group', groups.sick, '--from', 'start', '--limit', '1']);
    await produce(place, `${sick}.dlq`, rows(101, now));
    await produce(place, `${sick}.retry`, rows(30, now));
    await produce(place, wellPaid, rows(1, now + 500));
    await produce(place, sickPaid, rows(1, now + 3_600_000));

    const only = ['--only', 'publish-rate,lag-trend,dlq-depth,retry-rate,processing-time,duplicates,clock'];
    const wellWords = [well, wellPaid, ...only, '--between', well, '--between', wellPaid, '--p99', '5s'];
    const sickWords = [sick, sickPaid, ...only, '--between', sick, '--between', sickPaid, '--p99', '5s'];
    // Three looks make a trend: much comes in, and then nothing; the one group keeps up, the other does not.
    await done(['lag', groups.well, groups.sick]);
    await sleep(betweenLooksMs);
    await produce(place, well, rows(20, now));
    await done(['consume', well, '--group', groups.well, '--limit', '20']);
    await produce(place, sick, rows(20, now));
    await done(['lag', groups.well, groups.sick]);
    await sleep(betweenLooksMs);
    // More than before: on a slow machine it takes longer, too.
    await produce(place, well, rows(60, now));
    await done(['consume', well, '--group', groups.well, '--limit', '60']);

    const found = await check(place, sickWords);
    assert.deepEqual(
      Object.fromEntries(found.answers),
      {
        'publish-rate': 'fail',
        'lag-trend': 'fail',
        'dlq-depth': 'fail',
        'retry-rate': 'fail',
        'processing-time': 'fail',
        duplicates: 'fail',
        clock: 'fail',
      },
      found.text,
    );
    assert.equal(found.code, 3);
    const quiet = await check(place, wellWords);
    assert.ok(![...quiet.answers.values()].includes('fail'), quiet.text);
    for (const id of ['lag-trend', 'dlq-depth', 'processing-time', 'duplicates', 'clock', 'publish-rate'])
      assert.equal(quiet.answers.get(id), 'pass', `${id}: ${quiet.text}`);
    assert.equal(quiet.code, 0);

    const raised = await check(place, [...sickWords, '--set', 'duplicates=20', '--only', 'duplicates']);
    assert.equal(raised.answers.get('duplicates'), 'pass');
  } finally {
    for (const name of beside) await run(['delete', name, '--yes']);
    for (const group of Object.values(groups)) await run(['groups', 'delete', group, '--yes']);
  }
});

test('a check, a limit and a name that are not there are named', { skip }, async (t) => {
  const { run } = await workplace(t, `kafka://${addressOf('kafka')}`);
  for (const [words, exit, said] of [
    [['--only', 'lag-trnd'], 2, /no check "lag-trnd".*lag-trend/],
    [['--set', 'order=3'], 2, /"order" has nothing to be set/],
    [['--set', 'duplicates=many'], 2, /no number of per cent/],
    [['--between', 'a'], 2, /--between takes two channels/],
    [['no-such-channel'], 1, /no channel "no-such-channel"/],
  ] as const) {
    const { code, stderr } = await run(['check', ...words]);
    assert.equal(code, exit, stderr);
    assert.match(stderr, said);
  }
});
