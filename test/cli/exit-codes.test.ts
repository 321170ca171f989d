import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { mqctl, scratchFolder } from './run-mqctl.ts';

const shop = ['-c', 'local:shop.db'];

describe('how a command ends', () => {
  test('a flag before the command is exit 2 and says where it belongs', async () => {
    await using folder = await scratchFolder();
    const { code, stderr } = await mqctl(['-c', 'local:shop.db', 'ls'], { folder: folder.path });
    assert.equal(code, 2);
    assert.match(stderr, /the command comes before its flags, and "-c" is a flag; write mqctl COMMAND -c/);
  });

  test('a word that is no command is exit 2 and names the one that was meant', async () => {
    await using folder = await scratchFolder();
    const { code, stdout, stderr } = await mqctl(['consum', 'orders'], { folder: folder.path });
    assert.equal(code, 2);
    assert.equal(stdout.length, 0);
    assert.match(stderr, /no command "consum"; did you mean "mqctl consume"/);
  });

  test('a flag that is not known is exit 2 on one line', async () => {
    await using folder = await scratchFolder();
    const { code, stderr } = await mqctl(['ls', '--matsch', 'x', ...shop], { folder: folder.path });
    assert.equal(code, 2);
    assert.equal(stderr.trimEnd().split('\n').length, 1);
    assert.match(stderr, /--matsch; did you mean --match\?/);
  });

  test('an argument that is missing is named, and what a flag needs beside it', async () => {
    await using folder = await scratchFolder();
    const missing = await mqctl(['groups', 'describe', ...shop], { folder: folder.path });
    assert.equal(missing.code, 2);
    assert.equal(missing.stderr, 'mqctl: GROUP is missing; see mqctl groups describe --help\n');
    const alone = await mqctl(['consume', 'orders', '--max-attempts', '3', ...shop], { folder: folder.path });
    assert.equal(alone.code, 2);
    assert.equal(alone.stderr, 'mqctl: --max-attempts needs --exec beside it; see mqctl consume --help\n');
  });

  test('what cannot be undone is not done where nobody can be asked, and the flags for it are named', async () => {
    await using folder = await scratchFolder();
    await mqctl(['create', 'orders', ...shop], { folder: folder.path });
    const { code, stderr } = await mqctl(['delete', 'orders', ...shop], { folder: folder.path });
    assert.equal(code, 2);
    assert.match(stderr, /nobody can be asked here, and deleting it cannot be undone; say --yes.*--dry-run/);
    assert.equal((await mqctl(['describe', 'orders', ...shop], { folder: folder.path })).code, 0);
  });

  test('a value that a flag cannot take is told on one line, with what it takes', async () => {
    await using folder = await scratchFolder();
    const { code, stderr } = await mqctl(['consume', 'orders', '--for', '3x', ...shop], {
      folder: folder.path,
    });
    assert.equal(code, 2);
    assert.match(stderr, /^mqctl: --for: "3x" is no duration; .*5m.*\n$/);
  });

  test('without a context it says how to make one and names the demo, exit 2', async () => {
    await using folder = await scratchFolder();
    const { code, stderr } = await mqctl(['ls'], { folder: folder.path });
    assert.equal(code, 2);
    assert.match(stderr, /mqctl context add/);
    assert.match(stderr, /mqctl demo/);
  });

  test('a channel that is not there is exit 1 and names the one that was meant', async () => {
    await using folder = await scratchFolder();
    await mqctl(['create', 'orders', ...shop], { folder: folder.path });
    const { code, stderr } = await mqctl(['consume', 'ordrs', ...shop], { folder: folder.path });
    assert.equal(code, 1);
    assert.match(stderr, /no channel "ordrs" at .*did you mean "orders"/);
  });

  for (const url of ['kafka://127.0.0.1:9', 'amqp://127.0.0.1:9']) {
    test(`nobody answers at ${url}: exit 4, one line, no stack`, async () => {
      await using folder = await scratchFolder();
      const { code, stderr } = await mqctl(['ls', '-c', url, '--timeout', '2s'], { folder: folder.path });
      assert.equal(code, 4);
      assert.equal(stderr.trimEnd().split('\n').length, 1);
      assert.match(stderr, /127\.0\.0\.1:9/);
      assert.doesNotMatch(stderr, /\n\s+at /);
    });
  }

  test('a verb that the system has not got is exit 5 before anything is connected', async () => {
    await using folder = await scratchFolder();
    const nobody = 'sqs://eu-west-1?endpoint=http://127.0.0.1:9';
    const { code, stderr } = await mqctl(['offsets', 'show', 'billing', '-c', nobody], {
      folder: folder.path,
    });
    assert.equal(code, 5);
    assert.match(stderr, /SQS has not got "offsets show"/);
  });

  test('an answer that is "no" is exit 3: too few matched, one matched that may not, too far behind', async () => {
    await using folder = await scratchFolder();
    await mqctl(['produce', 'orders', '--create', '--value', 'one', ...shop], { folder: folder.path });
    const tooFew = await mqctl(['consume', 'orders', '--require', '2', ...shop], { folder: folder.path });
    assert.equal(tooFew.code, 3);
    const forbidden = await mqctl(['consume', 'orders', '--grep', 'on', '--forbid', ...shop], {
      folder: folder.path,
    });
    assert.equal(forbidden.code, 3);
    await mqctl(['produce', 'orders', '--value', 'two', ...shop], { folder: folder.path });
    await mqctl(['consume', 'orders', '--group', 'billing', '--limit', '1', ...shop], {
      folder: folder.path,
    });
    const behind = await mqctl(['lag', 'billing', '--max-lag', '0', ...shop], { folder: folder.path });
    assert.equal(behind.code, 3);
    assert.match(behind.stderr, /"billing" on "orders" is 1 message behind, more than 0/);
  });

  test('with -o json an error is one line of JSON on stderr, and stdout stays empty', async () => {
    await using folder = await scratchFolder();
    await mqctl(['create', 'orders', ...shop], { folder: folder.path });
    const { code, stdout, stderr } = await mqctl(['describe', 'nothing', '-o', 'json', ...shop], {
      folder: folder.path,
    });
    assert.equal(code, 1);
    assert.equal(stdout.length, 0);
    const said: unknown = JSON.parse(stderr);
    assert.partialDeepStrictEqual(said, { error: { code: 'NOT_FOUND', exit: 1 } });
  });

  test('a change without a person and without --yes is exit 2, names the flag, and changes nothing', async () => {
    await using folder = await scratchFolder();
    await mqctl(['create', 'orders', ...shop], { folder: folder.path });
    const { code, stderr } = await mqctl(['delete', 'orders', ...shop], { folder: folder.path });
    assert.equal(code, 2);
    assert.match(stderr, /--yes/);
    assert.equal((await mqctl(['describe', 'orders', ...shop], { folder: folder.path })).code, 0);
  });

  test('a read-only context refuses to produce, to take and to delete, and lets look', async () => {
    await using folder = await scratchFolder();
    await mqctl(['produce', 'orders', '--create', '--value', 'one', ...shop], { folder: folder.path });
    const environment = { MQCTL_CONFIG: `${folder.path}/contexts.yaml` };
    const { writeFile } = await import('node:fs/promises');
    await writeFile(
      environment.MQCTL_CONFIG,
      `current: shop\ncontexts:\n  shop:\n    url: local:${folder.path}/shop.db\n    readOnly: true\n`,
      { mode: 0o600 },
    );
    for (const words of [
      ['produce', 'orders', '--value', 'x'],
      ['consume', 'orders', '--ack'],
      ['consume', 'orders', '--group', 'g'],
      ['delete', 'orders', '--yes'],
    ]) {
      const { code, stderr } = await mqctl(words, { folder: folder.path, environment });
      assert.equal(code, 2, `${words.join(' ')}: ${stderr}`);
      assert.match(stderr, /read-only/);
    }
    assert.equal((await mqctl(['consume', 'orders'], { folder: folder.path, environment })).code, 0);
  });
});
