import { test } from 'node:test';
import { addressOf, without } from '../brokers/needs.ts';
import { assertBoundedMemory } from './large-transfer.ts';
import { withoutProc } from './memory.ts';
import { workplace } from './workplace.ts';

const skip = without('kafka') !== false ? without('kafka') : withoutProc;

test('1 GiB through Kafka takes less than 200 MiB of memory, in and out', { skip }, async (t) => {
  const place = await workplace(t, `kafka://${addressOf('kafka')}`);
  await assertBoundedMemory(place, await place.channel('--partitions', '3'), 1024, (line) =>
    t.diagnostic(line),
  );
});
