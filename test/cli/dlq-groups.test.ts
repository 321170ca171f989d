import assert from 'node:assert/strict';
import test from 'node:test';
import { workplace } from './workplace.ts';

const context = 'local:shop.db';

interface Given {
  readonly value: string;
  readonly headers?: readonly (readonly [string, string])[];
}

const lines = (records: readonly Given[]): string =>
  records.map((record) => `${JSON.stringify(record)}\n`).join('');

const failed = (words: string, more: readonly (readonly [string, string])[] = []): Given => ({
  value: '{"total":7}',
  headers: [['x-exception-class', 'com.acme.Slow'], ['x-exception-message', words], ...more],
});

test('dlq groups counts by cause, and a fingerprint selects its messages everywhere', async (t) => {
  const { channel, done } = await workplace(t, context);
  const dlq = await channel();
  await done(
    ['produce', dlq, '--format', 'ndjson'],
    lines([failed('timed out after 17 ms'), failed('timed out after 23 ms'), { value: 'not JSON' }]),
  );
  const table = (await done(['dlq', 'groups', dlq])).stdout.toString();
  assert.match(table, /^[0-9a-f]{12} +2 +50 % .*com\.acme\.Slow +timed out after <number> ms/m);
  assert.match(table, /^[0-9a-f]{12} +1 .*text, up to 1 KiB/m);
  const explained = (await done(['dlq', 'groups', dlq, '--explain'])).stdout.toString();
  assert.match(explained, /\nclass +com\.acme\.Slow\nmessage +timed out after <number> ms\n/);

  const [slow, unsaid] = (await done(['dlq', 'groups', dlq, '-o', 'ndjson'])).stdout
    .toString()
    .trimEnd()
    .split('\n')
    .map((line) => /"cause":"([0-9a-f]{12})"/.exec(line)?.[1] ?? '');
  const inspect = async (...words: string[]) =>
    (await done(['dlq', 'inspect', dlq, ...words])).stdout.toString();
  assert.equal(await inspect('--cause', unsaid?.slice(0, 6) ?? '', '-o', 'value'), 'not JSON\n');
  const records = await inspect('--cause', slow ?? '', '--decode', 'json');
  assert.equal(records.match(/"decoded":\{"total":7\}/g)?.length, 2);
  assert.match(records, /"state":"unresolved","duplicateOf":"0:0"/);
  // What inspect wrote can be produced again: what it added is passed over.
  await done(['produce', await channel(), '--format', 'ndjson'], records);
  assert.equal(
    await inspect('--group-by', 'cause', '-o', 'json'),
    (await done(['dlq', 'groups', dlq, '-o', 'json'])).stdout.toString(),
  );
});

test('hostile dead letters are shown safely: escapes, a stack of 5 MiB, our own header faked, JSON nested without end', async (t) => {
  const { channel, done } = await workplace(t, context);
  const dlq = await channel();
  const stack = `java.lang.X: no\n${'\tat com.acme.A.b(A.java:1)\n'.repeat(200_000)}`;
  await done(
    ['produce', dlq, '--format', 'ndjson'],
    lines([
      failed('no \u001b[31mred\u001b]0;title\u0007', [
        ['x-exception-stacktrace', stack],
        ['mqctl-redrive', 'x'.repeat(100_000)],
        ['mqctl-redrive', '0000000000000000-1;999999999999'],
        ['mqctl-failure', '\u001b[2J'],
      ]),
      { value: `${'{"a":['.repeat(100_000)}` },
      { value: `${'['.repeat(100_000)}${']'.repeat(100_000)}` },
    ]),
  );
  for (const words of [
    ['groups', dlq],
    ['groups', dlq, '--explain'],
    ['inspect', dlq, '-o', 'pretty'],
    ['redrive', dlq, '--all', '--to', await channel(), '--dry-run'],
  ]) {
    const { stdout, stderr } = await done(['dlq', ...words]);
    assert.ok(!stdout.includes('\u001b') && !stderr.includes('\u001b'), words.join(' '));
    assert.ok(stdout.length < 2 * 1024 * 1024, `${words.join(' ')} wrote ${stdout.length.toString()} bytes`);
  }
  const records = (await done(['dlq', 'inspect', dlq, '--decode', 'json'])).stdout.toString();
  assert.equal(records.trimEnd().split('\n').length, 3);
  // Of the three only the first is JSON that can be walked.
  assert.equal(records.match(/"decoded":/g)?.length, 1);
});
