/** `lag` by the real program, at the embedded broker. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { after, before, describe, test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { eventually } from '../contract/suite/workbench.ts';
import { LiveTerminal } from './live-terminal.ts';
import { parseOpenMetrics, withoutParser } from './openmetrics-parser.ts';
import { isObject } from './random-records.ts';
import { cleanEnvironment, ended, mqctl, scratchFolder, startMqctl, type Ended } from './run-mqctl.ts';
import { withoutTerminal } from './terminal.ts';

const shop = ['-c', 'local:shop.db'];
const program = fileURLToPath(new URL('../../bin/run.js', import.meta.url));

/** Two groups of "orders": "billing" has read all but three of ten, "warehouse" one. Nobody works. */
describe('lag', () => {
  let folder: string;
  let remove: () => Promise<void>;
  const run = (...words: readonly string[]): Promise<Ended> => mqctl([...words, ...shop], { folder });

  before(async () => {
    const scratch = await scratchFolder();
    folder = scratch.path;
    remove = async () => scratch[Symbol.asyncDispose]();
    const input = Array.from({ length: 10 }, (_, at) => `order ${at.toString()}`).join('\n');
    await mqctl(['produce', 'orders', '--create', ...shop], { folder, input });
    await run('consume', 'orders', '--group', 'billing', '--limit', '7');
    await run('consume', 'orders', '--group', 'warehouse', '--limit', '1');
  });
  after(() => remove());

  test('the worst comes first, and JSON has what the table has', async () => {
    const { stdout, code } = await run('lag', '-o', 'json');
    assert.equal(code, 0);
    const report: unknown = JSON.parse(stdout.toString());
    assert.ok(isObject(report) && Array.isArray(report['groups']));
    const groups: unknown[] = report['groups'];
    assert.deepEqual(
      groups.map((group) => isObject(group) && [group['group'], group['lag'], group['status']]),
      [
        ['warehouse', 9, 'empty'],
        ['billing', 3, 'empty'],
      ],
    );
  });

  test('--explain names the samples and the rule; each run adds one', async () => {
    const samplesIn = ({ stdout }: Ended): number =>
      stdout
        .toString()
        .split('\n')
        .filter((line) => /^\d{4}-\d\d-\d\dT.* 7 +10 +3 /.test(line)).length;
    const sampled = await run('lag', 'billing', '--explain', '--sample', '1s');
    assert.match(sampled.stdout.toString(), /"billing" on "orders", partition 0: empty: 3 messages waiting/);
    assert.ok(samplesIn(sampled) >= 3, sampled.stdout.toString());
    assert.ok(
      samplesIn(await run('lag', 'billing', '--explain')) >= 2,
      'that of an earlier run, and this one',
    );
  });

  test('a limit that is passed is exit 3 and says what, where, how far; a warning is exit 0', async () => {
    const over = await run('lag', 'billing', '--max-lag', '1:2');
    assert.equal(over.code, 3);
    assert.match(over.stderr, /"billing" on "orders" is 3 messages behind, more than 2/);
    const warned = await run('lag', 'billing', '--max-lag', '2:5');
    assert.equal(warned.code, 0);
    assert.match(warned.stderr, /warning: "billing" on "orders" is 3 messages behind, more than 2/);
    const failing = await run('lag', '--fail-on', 'stall,empty');
    assert.equal(failing.code, 3);
    assert.match(failing.stderr, /"warehouse" on "orders" is empty/);
    const never = await run('lag', 'billing', '--max-drain', '5m');
    assert.equal(never.code, 3);
    assert.match(never.stderr, /"billing" on "orders"/);
  });

  test('limits that cannot be meant are exit 2 and named', async () => {
    for (const [words, said] of [
      [['--max-lag', '5:1'], /the warning comes after the breach.*1:5/],
      [['--max-age', '5:x'], /is no duration/],
      [['--max-lag', '1:2:3'], /WARN:CRIT/],
      [['--wait'], /--max-lag 0 waits until nothing is left/],
      [['--watch', '--sample', '5s'], /--watch cannot be used with --sample/],
      [['--fail-on', 'sleepy'], /sleepy/],
    ] as const) {
      const { code, stderr } = await run('lag', ...words);
      assert.equal(code, 2, stderr);
      assert.match(stderr, said);
    }
  });

  test('-o nagios is one line with performance data, exit 0, 1, 2 and 3 as plugins do', async () => {
    const cases = [
      [['--max-lag', '5:9'], 0, /^LAG OK - /],
      [['--max-lag', '2:9'], 1, /^LAG WARNING - "billing" on "orders" is 3 messages behind, more than 2 \|/],
      [
        ['--max-lag', '1:2'],
        2,
        /^LAG CRITICAL - .* \| 'billing\/orders lag'=3;1;2;0 'billing\/orders age'=[\d.]+s;;;0$/m,
      ],
      [['nobody'], 3, /^LAG UNKNOWN - no group "nobody"/],
      [['--max-lags', '2'], 3, /^LAG UNKNOWN - .*--max-lags/],
      [['--max-lag', 'many'], 3, /^LAG UNKNOWN - --max-lag: "many"/],
      [['--watch'], 3, /^LAG UNKNOWN - --watch cannot be printed as nagios/],
    ] as const;
    for (const [words, exit, line] of cases) {
      const group = words[0] === 'nobody' ? [] : ['billing'];
      const { code, stdout, stderr } = await run('lag', ...group, ...words, '-o', 'nagios');
      assert.equal(code, exit, stdout.toString() + stderr);
      assert.match(stdout.toString(), line);
      assert.equal(stdout.toString().trimEnd().split('\n').length, 1);
    }
  });

  test('-o openmetrics is read by the reference parser', { skip: withoutParser }, async () => {
    const { stdout } = await run('lag', '-o', 'openmetrics', '--by', 'partition');
    const families = await parseOpenMetrics(stdout.toString());
    assert.ok(families.every(({ type }) => type === 'gauge'));
    const lag = families.find(({ name }) => name === 'mqctl_lag_messages');
    assert.equal(lag?.unit, 'messages');
    assert.deepEqual(lag.samples, [
      { labels: { group: 'billing', channel: 'orders' }, value: 3 },
      { labels: { group: 'warehouse', channel: 'orders' }, value: 9 },
    ]);
    const status = families.find(({ name }) => name === 'mqctl_lag_status');
    const holds = status?.samples.filter(({ value }) => value === 1).map(({ labels }) => labels['status']);
    assert.deepEqual(holds, ['empty', 'empty']);
    const retention = families.find(({ name }) => name === 'mqctl_lag_until_loss_seconds');
    assert.deepEqual(retention?.samples, [], 'what is unknown is left out, and is not 0');
  });

  test('--wait ends when nothing is over the limit, and with exit 3 when the time is up', async () => {
    const late = await run('lag', 'billing', '--wait', '--max-lag', '0', '--wait-timeout', '1s');
    assert.equal(late.code, 3);
    assert.match(late.stderr, /3 messages behind, more than 0/);
    const input = 'one\ntwo';
    await mqctl(['produce', 'deploys', '--create', ...shop], { folder, input });
    await run('consume', 'deploys', '--group', 'deployer', '--limit', '1');
    const waiting = startMqctl(['lag', 'deployer', '--wait', '--max-lag', '0', ...shop], { folder });
    const result = ended(waiting);
    assert.ok(waiting.stderr !== null);
    let said = '';
    waiting.stderr.on('data', (chunk: Buffer) => (said += chunk.toString()));
    await eventually(
      async () => assert.match(said, /waiting: "deployer" on "deploys" is 1 message behind/),
      30_000,
    );
    await run('consume', 'deploys', '--group', 'deployer', '--limit', '1');
    assert.equal((await result).code, 0);
  });

  test('--watch, piped, is one record for each interval until it is interrupted', async () => {
    const watching = startMqctl(['lag', '--watch', '100ms', ...shop], { folder });
    const result = ended(watching);
    let lines = 0;
    watching.stdout?.on('data', (chunk: Buffer) => {
      lines += chunk.toString().split('\n').length - 1;
      if (lines >= 3) watching.kill('SIGINT');
    });
    const { code, stdout } = await result;
    assert.equal(code, 130);
    for (const line of stdout.toString().trimEnd().split('\n')) {
      const record: unknown = JSON.parse(line);
      assert.ok(isObject(record) && Array.isArray(record['groups']));
      assert.equal(record['groups'].length >= 2, true);
    }
  });

  test(
    '--watch on a terminal takes keys, and gives the terminal back',
    { skip: withoutTerminal },
    async () => {
      const command = `stty cols 100 rows 20; '${process.execPath}' '${program}' lag --watch -c local:shop.db; stty -a | grep -o '.icanon'; echo ended $?`;
      const child = spawn('script', ['-qec', command, '/dev/null'], {
        cwd: folder,
        env: { ...cleanEnvironment(folder), TERM: 'xterm-256color', SHELL: '/bin/sh' },
        stdio: 'pipe',
      });
      let shown = '';
      child.stdout.on('data', (chunk: Buffer) => (shown += chunk.toString()));
      const done = once(child, 'close');
      await eventually(async () => assert.match(shown, /warehouse[\s\S]*billing[\s\S]*q quit/), 30_000);
      child.stdin.write('s');
      await eventually(async () => assert.match(shown, /by lag/), 10_000);
      child.stdin.write('p');
      await eventually(async () => assert.match(shown, /PARTITION/), 10_000);
      child.stdin.write('fware\r');
      await eventually(async () => assert.match(shown, /1 of \d groups.*filter: ware/), 10_000);
      child.stdin.write('q');
      await done;
      assert.match(shown, /\u001b\[\?25h\u001b\[\?1049l/);
      assert.match(shown, / icanon\r?\nended 0/);
    },
  );

  test(
    '--watch follows the size of the terminal at once, not with the next look',
    { skip: withoutTerminal },
    async (t) => {
      const [wide, small] = [
        { columns: 100, rows: 20 },
        { columns: 80, rows: 5 },
      ];
      const screen = new LiveTerminal(t, ['lag', '--watch', '1h', ...shop], folder, wide);
      await screen.sees(/warehouse[^]*billing[^]*q quit/);
      screen.resize(small);
      await screen.staysWithin(small);
      await screen.sees(/warehouse/);
      assert.doesNotMatch(screen.frame.join('\n'), /billing/, 'one row has room, that of the worst');
      screen.resize(wide);
      await screen.sees(/warehouse[^]*billing[^]*q quit/);
      screen.press('q');
      assert.equal(await screen.end(), 0);
    },
  );

  test('a look that follows ends by itself with --for', async () => {
    const { code, stdout } = await run(
      'consume',
      'orders',
      '--from',
      'start',
      '--follow',
      '--for',
      '500ms',
      '-o',
      'value',
    );
    assert.equal(code, 0);
    assert.equal(stdout.toString().trimEnd().split('\n').length, 10);
  });
});
