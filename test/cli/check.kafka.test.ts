/** What `check` measures and its checklist, provoked on a real Kafka and found, and quiet where all is well. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { test } from 'node:test';
import { addressOf, without } from '../brokers/needs.ts';
import { betweenLooksMs, checkAnswers } from './check-answers.ts';
import { isObject } from './random-records.ts';
import { workplace, type Workplace } from './workplace.ts';

const skip = without('kafka');
interface Row {
  readonly id: string;
  readonly correlation: string;
  readonly at: number;
  readonly partition?: string;
}

/** A schema registry's frame: zero, the number of a schema, what it describes. */
const framed = { base64: Buffer.from([0, 0, 0, 0, 7, 2, 3]).toString('base64') };
const traceparent = '00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01';

/** `sound`: as a service that is ready for production publishes. */
async function produce(
  { done }: Workplace,
  topic: string,
  rows: readonly Row[],
  sound = true,
): Promise<void> {
  const lines = rows.map(({ id, correlation, at, partition = '0' }) =>
    JSON.stringify({
      key: correlation,
      value: sound ? framed : `order ${id}`,
      headers: [
        ['message-id', id],
        ['correlation-id', correlation],
        ...(sound ? [['traceparent', traceparent]] : []),
      ],
      partition,
      timestamp: new Date(at).toISOString(),
    }),
  );
  await done(['produce', topic, '--format', 'ndjson', '--keep', 'partition,timestamp'], lines.join('\n'));
}

function rows(count: number, at: number): Row[] {
  return Array.from({ length: count }, () => ({ id: randomUUID(), correlation: randomUUID(), at }));
}

test('each row is found where it is provoked, and quiet where it is well', { skip }, async (t) => {
  const place = await workplace(t, `kafka://${addressOf('kafka')}`);
  const { done, run, channel } = place;
  const now = Date.now();
  const [well, wellPaid, unread, unreadFalling, sick, sickPaid] = [
    await channel(),
    await channel(),
    await channel(),
    await channel(),
    await channel('--partitions', '2'),
    await channel(),
  ];
  const beside = [`${well}.dlq`, `${wellPaid}.dlq`, `${sick}.dlq`, `${sick}.retry`];
  const groups = { well: `check-${randomUUID()}`, sick: `check-${randomUUID()}` };
  const rules = join(place.folder, 'alerts.yaml');
  await writeFile(rules, `- alert: Lag\n  expr: mqctl_lag_messages{group="${groups.well}"} > 1000\n`);
  try {
    for (const name of beside) await done(['create', name]);
    const orders = rows(40, now - 60_000);
    const paid = (afterMs: number) => orders.map((row) => ({ ...row, at: row.at + afterMs }));
    await produce(place, well, orders);
    await produce(place, wellPaid, [...paid(200), ...rows(1, now + 500)]);
    await done(['consume', well, '--group', groups.well, '--from', 'start', '--limit', '40']);
    // Some came again at once, on another partition.
    const again = orders.slice(0, 5).map((row) => ({ ...row, at: row.at + 50, partition: '1' }));
    await produce(place, sick, [...orders, ...again], false);
    await produce(place, sickPaid, [...paid(9_000), ...rows(1, now + 3_600_000)], false);
    await done(['consume', sick, '--group', groups.sick, '--from', 'start', '--limit', '1']);
    await done(['produce', `${sick}.dlq`], 'dead\n'.repeat(101));
    await done(['produce', `${sick}.retry`], 'again\n'.repeat(30));

    const common = (first: string, second: string) => [
      ...['--between', first, '--between', second, '--p99', '5s', '--set', `lag-alert=${rules}`],
      ...['--set', `durability=${first === well ? '1' : '2'}`],
    ];
    /** Of topics that no group reads: each check is a look. */
    const unreadRates = async (): Promise<unknown[]> => {
      const words = ['check', unread, unreadFalling, '--only', 'publish-rate', '-o', 'json'];
      const document: unknown = JSON.parse((await run(words)).stdout.toString());
      assert.ok(isObject(document) && Array.isArray(document['checks']));
      const answers: unknown[] = document['checks'];
      return answers.map((each) => isObject(each) && [each['subject'], each['status'], each['next']]);
    };
    const here = `-c kafka://${addressOf('kafka')}`;
    const lookAgain = `mqctl check ${unread} --only publish-rate ${here}`;
    // Three looks make a trend: much comes in, and then nothing; the one group keeps up, the other does not.
    await done(['lag', groups.well, groups.sick]);
    assert.deepEqual((await unreadRates())[0], [unread, 'unknown', lookAgain]);
    await sleep(betweenLooksMs);
    for (const topic of [unread, unreadFalling]) await produce(place, topic, rows(20, now));
    await unreadRates();
    await produce(place, well, rows(20, now));
    await done(['consume', well, '--group', groups.well, '--limit', '20']);
    await produce(place, sick, rows(20, now), false);
    await done(['lag', groups.well, groups.sick]);
    await sleep(betweenLooksMs);
    await produce(place, unread, rows(200, now));
    assert.deepEqual(await unreadRates(), [
      [unread, 'pass', null],
      [unreadFalling, 'fail', `mqctl describe ${unreadFalling} ${here}`],
    ]);
    // More than before: on a slow machine it takes longer, too.
    await produce(place, well, rows(60, now));
    await done(['consume', well, '--group', groups.well, '--limit', '60']);

    const found = await checkAnswers(place, [
      ...[sick, sickPaid, `${sick}.retry`, groups.sick],
      ...common(sick, sickPaid),
    ]);
    assert.deepEqual(
      Object.fromEntries(found.answers),
      {
        'publish-rate': 'fail',
        'lag-trend': 'fail',
        'dlq-depth': 'fail',
        'retry-rate': 'fail',
        'processing-time': 'fail',
        duplicates: 'fail',
        idempotency: 'unknown',
        'correlation-id': 'warn',
        dlq: 'warn',
        'lag-alert': 'fail',
        backoff: 'fail',
        schema: 'warn',
        traceparent: 'warn',
        failover: 'warn',
        durability: 'warn',
        prefetch: 'pass',
        clock: 'fail',
        order: 'fail',
      },
      found.text,
    );
    assert.match(found.text, /a broker cannot tell; 5 of 65 \(7\.7 %\) came again/);
    assert.equal(found.code, 3);
    const quiet = await checkAnswers(place, [well, wellPaid, groups.well, ...common(well, wellPaid)]);
    assert.deepEqual(
      Object.fromEntries(quiet.answers),
      {
        ...Object.fromEntries([...quiet.answers.keys()].map((id) => [id, 'pass'])),
        // Nothing is there to tell them by, and nobody works in a test: a queue's consumers are looked at on RabbitMQ.
        idempotency: 'unknown',
        'retry-rate': 'unknown',
        backoff: 'unknown',
        failover: 'warn',
      },
      quiet.text,
    );
    assert.equal(quiet.code, 0);

    const raised = ['--only', 'duplicates', '--set', 'duplicates=20'];
    assert.equal((await checkAnswers(place, [sick, ...raised])).answers.get('duplicates'), 'pass');
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
