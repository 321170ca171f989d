import { test } from 'node:test';
import { assertBoundedMemory } from './large-transfer.ts';
import { withoutProc } from './memory.ts';
import { workplace } from './workplace.ts';

test(
  '256 MiB through the embedded broker take less than 200 MiB of memory, in and out',
  { skip: withoutProc },
  async (t) => {
    const place = await workplace(t, 'local:shop.db');
    await assertBoundedMemory(place, await place.channel(), 256, (line) => t.diagnostic(line));
  },
);
