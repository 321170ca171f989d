import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { test } from 'node:test';
import { readSurface, surfaceFile } from './surface.ts';

test('no command, alias, flag or choice that scripts rely on is lost, and new ones are recorded (npm run surface)', async () => {
  const recorded: unknown = JSON.parse(await readFile(surfaceFile, 'utf8'));
  assert.deepEqual(await readSurface(), recorded);
});
