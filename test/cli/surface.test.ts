import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { readSurface, surfaceFile } from './surface.ts';

test('no command, alias, flag or choice that scripts rely on is lost, and new ones are recorded (npm run surface)', async () => {
  const recorded: unknown = JSON.parse(await readFile(surfaceFile, 'utf8'));
  assert.deepEqual(await readSurface(), recorded);
});

/** Messages are what somebody else asked for. */
const withoutReason = ['produce'];

test('whatever shows beforehand what it would change takes the reason for it', async () => {
  const changing = Object.entries(await readSurface()).filter(([, flags]) => flags.includes('--dry-run'));
  assert.ok(changing.length > 10);
  for (const [command, flags] of changing)
    assert.equal(flags.includes('--reason'), !withoutReason.includes(command), command);
});
