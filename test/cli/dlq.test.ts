import assert from 'node:assert/strict';
import { once } from 'node:events';
import test from 'node:test';
import { countText } from '../../src/lib/output/time.ts';
import { keys, LiveTerminal } from './live-terminal.ts';
import { ranges } from './redrive-range.ts';
import { ended, mqctl, scratchFolder, startMqctl } from './run-mqctl.ts';
import { withoutTerminal } from './terminal.ts';
import { workplace } from './workplace.ts';

const shop = ['-c', 'local:shop.db'];

/** `orders`, and `count` dead letters of it whose failure says `words`. */
async function incident(folder: string, count: number, words = 'timed out'): Promise<void> {
  const run = async (...command: string[]): Promise<void> => {
    const { code, stderr } = await mqctl([...command, ...shop], { folder });
    assert.equal(code, 0, stderr);
  };
  await run('create', 'orders.dlq');
  await run('create', 'orders', '--dead-letter', 'orders.dlq');
  const headers = [
    ['x-exception-message', words],
    ['x-original-topic', 'orders'],
  ];
  const line = JSON.stringify({ value: 'v', headers });
  const { code, stderr } = await mqctl(['produce', 'orders.dlq', '--format', 'ndjson', ...shop], {
    folder,
    input: `${line}\n`.repeat(count),
  });
  assert.equal(code, 0, stderr);
}

async function count(folder: string, channel: string): Promise<number> {
  const { stdout } = await mqctl(['consume', channel, '-o', 'value', ...shop], { folder });
  return stdout.toString().split('\n').length - 1;
}

test('a redrive says what to redrive, and asks: without a terminal the flag is named', async () => {
  await using folder = await scratchFolder();
  await incident(folder.path, 3);
  const unsaid = await mqctl(['dlq', 'redrive', 'orders.dlq', ...shop], { folder: folder.path });
  assert.equal(unsaid.code, 2);
  assert.match(unsaid.stderr, /--filter.*--all/);
  const unasked = await mqctl(['dlq', 'redrive', 'orders.dlq', '--all', ...shop], { folder: folder.path });
  assert.equal(unasked.code, 2);
  assert.match(unasked.stderr, /--yes/);
  assert.equal(await count(folder.path, 'orders.dlq'), 3);
  const jobs = await mqctl(['jobs', 'ls', '-o', 'json'], { folder: folder.path });
  assert.equal(jobs.stdout.toString(), '{"jobs":[]}\n');
});

test('dead letters are looked at, copied and redriven by where they lie, and the others stay', async (t) =>
  ranges(await workplace(t, 'local:shop.db')));

test('a redrive ends with a report that adds up, and dlq ls with the answer for a script', async () => {
  await using folder = await scratchFolder();
  await incident(folder.path, 30);
  const before = await mqctl(['dlq', 'ls', '--max-depth', '0', '--quiet', ...shop], { folder: folder.path });
  assert.equal(before.code, 3);
  assert.match(before.stderr, /orders\.dlq: 30 wait/);
  const words = [
    'dlq',
    'redrive',
    'orders.dlq',
    '--all',
    '--yes',
    '--rate',
    'max',
    '--canary-wait',
    '1ms',
    '-o',
    'json',
  ];
  const { code, stdout, stderr } = await mqctl([...words, ...shop], { folder: folder.path });
  assert.equal(code, 0, stderr);
  const report: unknown = JSON.parse(stdout.toString());
  assert.ok(typeof report === 'object' && report !== null);
  const fields = new Map<string, unknown>(Object.entries(report));
  assert.equal(fields.get('selected'), 30);
  assert.equal(fields.get('moved'), 30);
  for (const name of ['failed', 'skipped', 'drifted', 'quarantined', 'inDoubt', 'remaining', 'returned'])
    assert.equal(fields.get(name), 0, name);
  assert.deepEqual(fields.get('guarantees'), { orders: 'exactly-once' });
  const after = await mqctl(['dlq', 'ls', '--max-depth', '0', ...shop], { folder: folder.path });
  assert.equal(after.code, 0, after.stderr);
});

test('Ctrl-C finishes what is in flight, ends with 130 and says how to go on', async () => {
  await using folder = await scratchFolder();
  await incident(folder.path, 40);
  const child = startMqctl(
    [
      'dlq',
      'redrive',
      'orders.dlq',
      '--all',
      '--yes',
      '--rate',
      '20/s',
      '--no-canary',
      '-o',
      'json',
      ...shop,
    ],
    { folder: folder.path },
  );
  child.stdin?.end();
  const all = ended(child);
  while ((await count(folder.path, 'orders')) === 0);
  child.kill('SIGINT');
  const { code, stderr } = await all;
  assert.equal(code, 130, stderr);
  assert.match(stderr, /mqctl dlq redrive orders\.dlq --resume \S+/);
  const moved = await count(folder.path, 'orders');
  assert.equal(moved + (await count(folder.path, 'orders.dlq')), 40);
  const resumed = await mqctl(
    ['dlq', 'redrive', 'orders.dlq', '--resume', 'last', '--yes', '--rate', 'max', '--no-canary', ...shop],
    { folder: folder.path },
  );
  assert.equal(resumed.code, 0, resumed.stderr);
  assert.equal(await count(folder.path, 'orders'), 40);
  assert.equal(await count(folder.path, 'orders.dlq'), 0);
});

test('a reader that has gone does not stop a redrive half-way without a word in the journal', async () => {
  await using folder = await scratchFolder();
  await incident(folder.path, 5);
  const child = startMqctl(['dlq', 'redrive', 'orders.dlq', '--all', '--yes', ...shop], {
    folder: folder.path,
  });
  child.stdout?.destroy();
  child.stdin?.end();
  await once(child, 'close');
  assert.equal((await count(folder.path, 'orders')) + (await count(folder.path, 'orders.dlq')), 5);
});

test('escape sequences in a failure are made visible, not sent', async () => {
  await using folder = await scratchFolder();
  await incident(folder.path, 1, 'no \u001b[31mred\u001b]0;title\u0007');
  const plan = await mqctl(['dlq', 'redrive', 'orders.dlq', '--all', '--dry-run', ...shop], {
    folder: folder.path,
  });
  assert.equal(plan.code, 0);
  assert.ok(!plan.stderr.includes('\u001b'));
  assert.match(plan.stderr, /\\x1b/);
  const groups = await mqctl(['dlq', 'inspect', 'orders.dlq', '--group-by', 'cause', ...shop], {
    folder: folder.path,
  });
  assert.ok(!groups.stdout.includes('\u001b'));
});

test('where others read the destination, a plain yes is refused and they are named; --fan-out says that they may', async () => {
  await using folder = await scratchFolder();
  await incident(folder.path, 3);
  for (const group of ['billing', 'reports'])
    await mqctl(['consume', 'orders', '--group', group, ...shop], { folder: folder.path });
  const words = ['dlq', 'redrive', 'orders.dlq', '--all', '--yes', '--rate', 'max', ...shop];
  const refused = await mqctl(words, { folder: folder.path });
  assert.equal(refused.code, 2);
  assert.match(refused.stderr, /billing, reports.*--fan-out/s);
  assert.equal(await count(folder.path, 'orders.dlq'), 3);
  const jobs = await mqctl(['jobs', 'ls', '-o', 'json'], { folder: folder.path });
  assert.equal(jobs.stdout.toString(), '{"jobs":[]}\n', 'what was refused leaves no job');
  const allowed = await mqctl([...words, '--fan-out'], { folder: folder.path });
  assert.equal(allowed.code, 0, allowed.stderr);
  assert.equal(await count(folder.path, 'orders'), 3);
});

test('an edit is shown as a diff before anything is moved, and done as it was shown', async () => {
  await using folder = await scratchFolder();
  await incident(folder.path, 2);
  const words = ['dlq', 'redrive', 'orders.dlq', '--all', '--rate', 'max', '--set', 'value=w', ...shop];
  const plan = await mqctl([...words, '--dry-run'], { folder: folder.path });
  assert.equal(plan.code, 0, plan.stderr);
  assert.match(plan.stderr, /2 are changed on the way.*\/value: v → w/s);
  assert.equal(await count(folder.path, 'orders.dlq'), 2);
  const done = await mqctl([...words, '--yes'], { folder: folder.path });
  assert.equal(done.code, 0, done.stderr);
  const { stdout } = await mqctl(['consume', 'orders', '-o', 'value', ...shop], { folder: folder.path });
  assert.equal(stdout.toString(), 'w\nw\n');
});

test('a plan from a file shows what it changes before it asks, as what lies there will change', async () => {
  await using folder = await scratchFolder();
  await incident(folder.path, 2);
  const edit = ['--set', 'value=w\u001b[31m', '--set', 'headers.region=eu'];
  const plan = ['dlq', 'redrive', 'orders.dlq', '--all', ...edit, '--plan', 'monday.plan', ...shop];
  const made = await mqctl(plan, { folder: folder.path });
  assert.equal(made.code, 0, made.stderr);
  const apply = ['dlq', 'redrive', 'orders.dlq', '--apply', 'monday.plan', ...shop];
  const asked = await mqctl(apply, { folder: folder.path });
  assert.equal(asked.code, 2, 'nobody can be asked');
  assert.match(
    asked.stderr,
    /2 are changed on the way, the first of them so:\n +\/value: v → w\\x1b\[31m\n +\/headers\/region: nothing → eu\n/,
  );
  assert.ok(!asked.stderr.includes('\u001b'));
  const json = await mqctl([...apply, '--dry-run', '-o', 'json'], { folder: folder.path });
  const document: unknown = JSON.parse(json.stdout.toString());
  assert.partialDeepStrictEqual(document, {
    edits: [{ count: 2, changes: [{ path: '/value', before: 'v' }] }],
  });
  // Once they lie there no longer, the edit is told as it is written.
  assert.equal((await mqctl([...apply, '--yes', '--rate', 'max'], { folder: folder.path })).code, 0);
  const late = await mqctl([...apply, '--dry-run'], { folder: folder.path });
  assert.match(late.stderr, /2 are changed on the way:\n +\/value becomes "w\\u001b\[31m"\n/);
});

test('what was put aside by name is done as it was asked, also where it was interrupted and gone on with', async () => {
  const many = 300;
  await using folder = await scratchFolder();
  await incident(folder.path, many);
  await mqctl(['create', 'orders.dlq.quarantine', ...shop], { folder: folder.path });
  const putAside = startMqctl(
    ['dlq', 'redrive', 'orders.dlq', '--all', '--put-aside', '--yes', '--in-flight', '1', ...shop],
    { folder: folder.path },
  );
  putAside.stdin?.end();
  const all = ended(putAside);
  while ((await count(folder.path, 'orders.dlq.quarantine')) === 0);
  putAside.kill('SIGINT');
  const { code, stderr } = await all;
  assert.equal(code, 130, stderr);
  const aside = await count(folder.path, 'orders.dlq.quarantine');
  assert.ok(aside < many, 'it was interrupted');
  const left = countText(many - aside);
  const resume = ['dlq', 'redrive', 'orders.dlq', '--resume', 'last', ...shop];
  const standing = await mqctl([...resume, '--dry-run'], { folder: folder.path });
  assert.match(
    standing.stderr,
    new RegExp(
      `0 were moved; ${countText(aside)} w(?:as|ere) put aside; ${left} (?:is|are) still to be sent`,
    ),
  );
  const listed = await mqctl(['jobs', 'ls', '-o', 'table'], { folder: folder.path });
  assert.match(listed.stdout.toString(), new RegExp(` ${countText(aside)} +300 `));
  const resumed = await mqctl([...resume, '--yes', '--rate', 'max', '-o', 'json'], { folder: folder.path });
  assert.equal(resumed.code, 0, resumed.stderr);
  const report: unknown = JSON.parse(resumed.stdout.toString());
  assert.partialDeepStrictEqual(report, {
    moved: 0,
    quarantined: many,
    putAside: many,
    putAsideAsAsked: many,
    failures: [],
  });
  assert.equal(await count(folder.path, 'orders.dlq.quarantine'), many);
  const shown = await mqctl(['jobs', 'show', 'last'], { folder: folder.path });
  assert.match(shown.stdout.toString(), /^put aside +300$/m);
});

test('how many came back is told while it runs', { skip: withoutTerminal }, async (t) => {
  await using folder = await scratchFolder();
  await incident(folder.path, 100);
  const screen = new LiveTerminal(
    t,
    [
      ...['dlq', 'redrive', 'orders.dlq', '--all', '--yes'],
      ...['--no-canary', '--rate', '3/s', '--canary-wait', '500ms', ...shop],
    ],
    folder.path,
    { columns: 80, rows: 24 },
  );
  while ((await count(folder.path, 'orders')) === 0);
  const gone = await mqctl(['consume', 'orders', '--limit', '1', '-o', 'ndjson', ...shop], {
    folder: folder.path,
  });
  const back = await mqctl(['produce', 'orders.dlq', '--format', 'ndjson', ...shop], {
    folder: folder.path,
    input: gone.stdout,
  });
  assert.equal(back.code, 0, back.stderr);
  await screen.says(/\d+ redriven, 1 returned, \d+\/s, \d+ %, \d+ s left/);
  screen.press(keys.interrupt);
  assert.equal(await screen.end(), 130, screen.said);
  assert.match(screen.said, /returned +1\r?\n/);
});

test('jobs resume goes on with what was stopped, at the place where it ran', async () => {
  await using folder = await scratchFolder();
  await incident(folder.path, 60);
  const redrive = startMqctl(
    [
      ...['dlq', 'redrive', 'orders.dlq', '--all', '--yes', '--no-canary', '--rate', '5/s'],
      ...['--reason', 'incident 42', ...shop],
    ],
    { folder: folder.path },
  );
  while ((await count(folder.path, 'orders')) === 0);
  redrive.kill('SIGINT');
  assert.equal((await ended(redrive)).code, 130);
  const resumed = await mqctl(
    [
      ...['jobs', 'resume', 'last', '--yes', '--no-canary', '--rate', 'max', '-o', 'json'],
      ...['--reason', 'mended'],
    ],
    { folder: folder.path },
  );
  assert.equal(resumed.code, 0, resumed.stderr);
  const report: unknown = JSON.parse(resumed.stdout.toString());
  assert.ok(typeof report === 'object' && report !== null && 'moved' in report);
  assert.equal(report.moved, 60);
  assert.equal(await count(folder.path, 'orders'), 60);
  const shown = await mqctl(['jobs', 'show', 'last', '-o', 'json'], { folder: folder.path });
  const job: unknown = JSON.parse(shown.stdout.toString());
  assert.partialDeepStrictEqual(job, { reason: 'incident 42; mended' });
  const again = await mqctl(['jobs', 'resume', 'last', '--yes'], { folder: folder.path });
  assert.equal(again.code, 2);
  assert.match(again.stderr, /is done/);
});
