import assert from 'node:assert/strict';
import { open } from 'node:fs/promises';
import { join } from 'node:path';
import type { TestContext } from 'node:test';

/** After so many appends to files of this process, each one comes to half, and fails as on a full disk; until `makeRoom`, which it answers with. */
export async function diskThatFills(
  context: TestContext,
  folder: string,
  appends: number,
): Promise<() => void> {
  const handle = await open(join(folder, 'probe'), 'w');
  const prototype: unknown = Object.getPrototypeOf(handle);
  await handle.close();
  assert.ok(typeof prototype === 'object' && prototype !== null);
  const append: unknown = Reflect.get(prototype, 'appendFile');
  assert.ok(typeof append === 'function');
  let left = appends;
  Reflect.set(prototype, 'appendFile', async function (this: unknown, text: string) {
    left -= 1;
    if (left >= 0) {
      await Reflect.apply(append, this, [text]);
      return;
    }
    await Reflect.apply(append, this, [text.slice(0, text.length / 2)]);
    throw Object.assign(new Error('ENOSPC: no space left on device, write'), { code: 'ENOSPC' });
  });
  const makeRoom = (): void => void Reflect.set(prototype, 'appendFile', append);
  context.after(makeRoom);
  return makeRoom;
}
