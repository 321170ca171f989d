import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'node:test';
import { eventually } from '../contract/suite/workbench.ts';
import { watching } from './dlq-watch.ts';
import { workplace } from './workplace.ts';

const died = (words: string, cause = 'com.acme.Slow'): string =>
  `${JSON.stringify({
    value: 'v',
    headers: [
      ['x-exception-class', cause],
      ['x-exception-message', words],
    ],
  })}\n`;

test('dlq watch tells a cause once, and only one that was not there before; --exec gets it; Ctrl-C is 130', async (t) => {
  const place = await workplace(t, 'local:shop.db');
  const dlq = await place.channel();
  const produce = (text: string) => place.done(['produce', dlq, '--format', 'ndjson'], text);
  await produce(died('timed out after 3 ms'));
  // Untrusted text reaches the command by its environment and stdin, never by its line.
  const watch = watching(place, [
    dlq,
    '--exec',
    'printf "%s;%s;" "$MQCTL_CLASS" "$MQCTL_MESSAGE" >> seen; cat >> seen',
  ]);
  await watch.told('interval', 1);
  await produce(died('timed out after 4 ms'));
  await produce(died('no price $(touch hacked)', 'com.acme.Odd') + died('no price 7', 'com.acme.Odd'));
  const [cause] = await watch.told('new-cause', 1);
  assert.partialDeepStrictEqual(cause, { channel: dlq, class: 'com.acme.Odd', sample: '0:2' });
  await eventually(async () => {
    const intervals = await watch.told('interval', 1);
    assert.equal(
      intervals.reduce((sum, { arrived }) => sum + Number(arrived), 0),
      3,
    );
    assert.equal(intervals.at(-1)?.['depth'], 4);
  });
  const seen = await readFile(join(place.folder, 'seen'), 'utf8');
  assert.match(seen, /^com\.acme\.Odd;no price \$\(touch hacked\);\{"channel":/);
  const { code, stdout, stderr } = await watch.stop();
  assert.equal(code, 130, stderr);
  // "no price <number>" is another cause than "no price $(touch hacked)"; the known one was never told.
  assert.ok(!stdout.toString().includes('com.acme.Slow'));
  await assert.rejects(readFile(join(place.folder, 'hacked')));
});

test('--for ends it with 0, and an unknown channel is said', async (t) => {
  const place = await workplace(t, 'local:shop.db');
  const dlq = await place.channel();
  const { stdout } = await place.done(['dlq', 'watch', dlq, '--for', '1s', '--interval', '100ms']);
  assert.match(stdout.toString(), /"event":"interval".*"arrived":0/);
  const unknown = await place.run(['dlq', 'watch', `${dlq}.missing`, `${dlq}.gone`, '--for', '1m']);
  assert.equal(unknown.code, 1, unknown.stderr);
});

test('of several channels, one that is not there is named, and the others are watched: exit 6', async (t) => {
  const place = await workplace(t, 'local:shop.db');
  const dlq = await place.channel();
  const words = ['dlq', 'watch', `${dlq}.missing`, dlq, '--for', '1s', '--interval', '100ms'];
  const { code, stdout, stderr } = await place.run(words);
  assert.equal(code, 6, stderr);
  assert.match(stdout.toString(), new RegExp(`"event":"interval","channel":"${dlq}"`));
  const missing = new RegExp(
    `^\\{"at":"[^"]+","event":"missing","channel":"${dlq}.missing","text":"no channel`,
    'm',
  );
  assert.match(stdout.toString(), missing);
  assert.match(stderr, new RegExp(`no channel "${dlq}.missing" at .*: the others are watched`));
  assert.match(stderr, new RegExp(`not watched, since they are not there: ${dlq}.missing`));
});
