import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { describe, test } from 'node:test';
import { addressOf, without } from '../brokers/needs.ts';
import { lineOf, produceUntil, redriveUntil, signals, takeUntil } from './interrupted.ts';
import { isObject } from './random-records.ts';
import { valuesOf } from './produce-report.ts';
import { workplace, type Workplace } from './workplace.ts';

const skip = without('kafka');
/** Several times what a pipe and the buffers around it hold. */
const count = 25_000;

async function committed({ done }: Workplace, group: string): Promise<number> {
  const shown: unknown = JSON.parse((await done(['offsets', 'show', group, '-o', 'json'])).stdout.toString());
  const found = JSON.stringify(shown).match(/"committed":"(\d+)"/);
  assert.ok(isObject(shown) || Array.isArray(shown));
  return Number(found?.[1] ?? 0);
}

describe('Kafka', { skip }, () => {
  for (const [signal, exit] of signals) {
    test(`${signal} while producing is exit ${exit.toString()}, and exactly what it says was produced is there`, async (t) => {
      const place = await workplace(t, `kafka://${addressOf('kafka')}`);
      const topic = await place.channel();
      const produced = await produceUntil(signal, exit, place, topic);
      const there = valuesOf(await place.done(['consume', topic, '-o', 'value']));
      assert.deepEqual(
        there,
        Array.from({ length: produced }, (_, at) => lineOf(at)),
      );
    });

    test(`${signal} while taking as a group is exit ${exit.toString()}, and nothing was committed that was not written out`, async (t) => {
      const place = await workplace(t, `kafka://${addressOf('kafka')}`);
      const topic = await place.channel();
      await place.done(['produce', topic], Array.from({ length: count }, (_, at) => lineOf(at)).join('\n'));
      const group = `cli-${randomUUID()}`;
      const first = await takeUntil(signal, exit, place, [topic, '--group', group, '--from', 'start']);
      assert.ok(first.length > 0 && first.length < count, first.length.toString());
      assert.deepEqual(
        first,
        Array.from({ length: first.length }, (_, at) => lineOf(at)),
      );
      assert.equal(
        await committed(place, group),
        first.length,
        'what was written out is committed, and no more',
      );
      const rest = valuesOf(
        await place.done(['consume', topic, '--group', group, '-o', 'value', '--idle-timeout', '20s']),
      );
      assert.deepEqual(
        rest,
        Array.from({ length: count - first.length }, (_, at) => lineOf(first.length + at)),
      );
    });

    test(`${signal} in the middle of a redrive is exit ${exit.toString()}, and going on moves each of the rest once`, async (t) => {
      const place = await workplace(t, `kafka://${addressOf('kafka')}`);
      const channels = { from: await place.channel(), to: await place.channel() };
      await redriveUntil(signal, exit, place, channels, []);
    });
  }
});
