/** Dead letters as somebody would write them who wants to harm whoever looks at them. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { once } from 'node:events';
import { join } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { highestMemory, withoutProc } from './memory.ts';
import { cleanEnvironment } from './run-mqctl.ts';
import { attack, controlsIn, onTerminal, withoutTerminal } from './terminal.ts';
import { workplace, type Workplace } from './workplace.ts';

const program = fileURLToPath(new URL('../../bin/run.js', import.meta.url));
const few = 2;
const many = 12;
/** What a few of them take, and what six times as many may take beyond that. */
const limitMiB = 400;
const growthMiB = 100;
const deep = 100_000;
/** Where a run takes longer than a second, its progress is drawn over itself. */
const ownProgress = /\r\u001b\[2K/g;

/** A stack trace of 5 MiB, forged headers of ours, JSON that nests deeply, escape sequences wherever they fit; `traces` times the first. */
async function fill(shop: Workplace, channel: string, origin: string, traces: number): Promise<number> {
  const died = [
    ['x-exception-class', `Evil${attack}`],
    ['x-exception-message', `no${attack}price`],
    ['x-original-topic', origin],
  ];
  const frame = `\tat com.example.${'Orders'.repeat(20)}.handle${attack}(Orders.java:7)\n`;
  const stack = frame.repeat(Math.ceil((5 * 1024 * 1024) / frame.length));
  const others = [
    { value: `${'['.repeat(deep)}${']'.repeat(deep)}`, headers: died },
    { value: `{"a":${'{"a":'.repeat(deep)}1${'}'.repeat(deep)}}`, headers: died },
    {
      value: '{"a":1}',
      headers: [
        ...died,
        ['mqctl-redrive', `0123456789abcdef-0;1${attack}`],
        ['mqctl-redrive', '0123456789abcdef-99999999999999999999;99'],
        ['mqctl-failure', attack],
        ['mqctl-original', attack],
        ['mqctl-dead-letter-attempts', '1e999'],
        ['mqctl-dead-letter-at', '+275760-09-13T00:00:00.001Z'],
        ['mqctl-dead-letter-partition', attack],
      ],
    },
  ];
  const path = join(shop.folder, 'hostile.ndjson');
  const file = createWriteStream(path);
  for (let trace = 0; trace < traces; trace += 1) {
    const value = JSON.stringify({ a: trace });
    if (!file.write(`${JSON.stringify({ value, headers: [...died, ['x-exception-stacktrace', stack]] })}\n`))
      await once(file, 'drain');
  }
  file.end(others.map((each) => JSON.stringify(each)).join('\n'));
  await once(file, 'close');
  await shop.done(['produce', channel, '--format', 'ndjson', '--file', path]);
  return traces + others.length;
}

test(
  'stack traces of 5 MiB, deep JSON and forged headers take bounded memory and are obeyed nowhere; what is sent back is all there',
  { skip: withoutProc || withoutTerminal },
  async (t) => {
    const shop = await workplace(t, 'local:shop.db');
    const orders = await shop.channel();
    const [little, dead] = [await shop.channel(), await shop.channel()];
    await fill(shop, little, orders, few);
    const count = await fill(shop, dead, orders, many);
    const redrive = ['dlq', 'redrive', dead, '--all', '--rate', 'max', '--no-canary'];
    const taken = async (...words: readonly string[]): Promise<number> => {
      const child = spawn(process.execPath, [program, ...words, '-c', shop.context], {
        cwd: shop.folder,
        env: cleanEnvironment(shop.folder),
        stdio: ['ignore', 'ignore', 'pipe'],
      });
      const mebibytes = await highestMemory(child);
      t.diagnostic(`${words.slice(0, 3).join(' ')}: ${mebibytes.toString()} MiB resident`);
      assert.ok(mebibytes < limitMiB, `${words.join(' ')} took ${mebibytes.toString()} MiB`);
      return mebibytes;
    };
    const [first, all] = [
      await taken('dlq', 'inspect', little, '-o', 'ndjson'),
      await taken('dlq', 'inspect', dead, '-o', 'ndjson'),
    ];
    assert.ok(all - first < growthMiB, 'memory does not grow with what lies there');
    await taken('dlq', 'groups', dead, '--explain');
    await taken('dlq', 'archive', dead, '--file', 'kept.ndjson');
    await taken(...redrive, '--dry-run', '--set', 'value.a=1');
    for (const words of [
      ['dlq', 'groups', little, '--explain'],
      ['dlq', 'inspect', little, '--filter', 'value.a == 1', '-o', 'pretty'],
      ['dlq', 'redrive', little, '--all', '--dry-run'],
    ]) {
      const shown = await onTerminal([...words, '--no-color', '-c', shop.context], shop.folder);
      assert.deepEqual(controlsIn(shown.replaceAll(ownProgress, '')), [], words.join(' '));
    }
    const { stdout } = await shop.done([...redrive, '--yes', '-o', 'json']);
    assert.partialDeepStrictEqual(JSON.parse(stdout.toString()), { selected: count, moved: count });
    const back = await shop.done(['consume', orders, '-o', 'fmt=.\\n']);
    assert.equal(back.stdout.toString().length, 2 * count);
  },
);
