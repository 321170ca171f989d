import assert from 'node:assert/strict';
import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import test from 'node:test';

import { distrust, isTrusted, trust } from '../../../src/lib/config/trust.ts';
import { sandbox } from './sandbox.ts';

test('trust holds for this content at this path, and ends when taken back', async (t) => {
  const { state, write } = await sandbox(t);
  const file = await write('a/.mqctl.yaml', 'x');
  const copy = await write('b/.mqctl.yaml', 'x');
  assert.equal(await isTrusted(state, file, 'x'), false);
  await trust(state, file, 'x');
  assert.equal(await isTrusted(state, file, 'x'), true);
  assert.equal(await isTrusted(state, file, 'y'), false);
  assert.equal(await isTrusted(state, copy, 'x'), false);
  assert.equal(await distrust(state, file), true);
  assert.equal(await distrust(state, file), false);
  assert.equal(await isTrusted(state, file, 'x'), false);
});

test('what is trusted is kept where only the owner reads it', async (t) => {
  const { state, write } = await sandbox(t);
  await trust(state, await write('.mqctl.yaml', 'x'), 'x');
  assert.equal((await stat(join(state, 'trusted-projects.json'))).mode & 0o777, 0o600);
});

test('a damaged list of trusted files is an error, not trust', async (t) => {
  const { state, write } = await sandbox(t);
  const file = await write('.mqctl.yaml', 'x');
  for (const text of ['{', '[1]', '{"a":1}']) {
    await write('state/mqctl/trusted-projects.json', text);
    await assert.rejects(isTrusted(state, file, 'x'), /is damaged/);
  }
});
