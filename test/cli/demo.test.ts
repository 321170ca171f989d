import assert from 'node:assert/strict';
import { test } from 'node:test';
import { mqctl, scratchFolder } from './run-mqctl.ts';

test('the demo shows a whole incident by the real commands, ends by itself without a terminal, and leaves it to go on', async () => {
  await using folder = await scratchFolder();
  const { code, stdout, stderr } = await mqctl(['demo'], { folder: folder.path });
  assert.equal(code, 0, stderr);
  const text = stdout.toString();
  assert.match(text, /\$ mqctl ls\n/);
  assert.match(text, /warehouse +orders +empty +235 +47 min/);
  assert.match(text, /24 .*java\.net\.SocketTimeoutException/);
  assert.match(text, /selected +24\nmoved +24/);
  assert.match(text, /exit 3/);

  const after = { folder: `${folder.path}/mqctl-demo` };
  const left = await mqctl(['consume', 'orders.dlq', '-c', 'local:shop.db', '-o', 'value'], after);
  assert.equal(left.stdout.toString().trimEnd().split('\n').length, 8);
  const orders = await mqctl(['consume', 'orders', '-c', 'local:shop.db', '-o', 'value'], after);
  assert.equal(orders.stdout.toString().trimEnd().split('\n').length, 624);
});

test('the demo can be run again in its folder, and leaves a file alone that is not its own', async () => {
  await using folder = await scratchFolder();
  assert.equal((await mqctl(['demo', 'here'], { folder: folder.path })).code, 0);
  assert.equal((await mqctl(['demo', 'here'], { folder: folder.path })).code, 0);
  await mqctl(['create', 'mine', '-c', 'local:shop.db'], { folder: folder.path });
  const { code, stderr } = await mqctl(['demo', '.'], { folder: folder.path });
  assert.equal(code, 2);
  assert.match(stderr, /not from a demo/);
  assert.equal((await mqctl(['describe', 'mine', '-c', 'local:shop.db'], { folder: folder.path })).code, 0);
});
