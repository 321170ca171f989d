import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { addressOf, without } from '../brokers/needs.ts';
import { lineOf, produceUntil, redriveUntil, signals, takeUntil } from './interrupted.ts';
import { valuesOf } from './produce-report.ts';
import { workplace } from './workplace.ts';

const skip = without('rabbitmq');
/** Several times what a pipe and the buffers around it hold. */
const count = 25_000;

describe('RabbitMQ', { skip }, () => {
  for (const [signal, exit] of signals) {
    test(`${signal} while producing is exit ${exit.toString()}, and exactly what it says was produced is there`, async (t) => {
      const place = await workplace(t, addressOf('rabbitmq'));
      const queue = await place.channel('--type', 'quorum');
      const produced = await produceUntil(signal, exit, place, queue);
      const there = valuesOf(await place.done(['consume', queue, '--ack', '-o', 'value']));
      assert.deepEqual(
        there,
        Array.from({ length: produced }, (_, at) => lineOf(at)),
      );
    });

    for (const type of ['quorum', 'classic'])
      test(`${signal} while taking from a ${type} queue is exit ${exit.toString()}, and what was not written out is still there`, async (t) => {
        const place = await workplace(t, addressOf('rabbitmq'));
        const queue = await place.channel('--type', type);
        await place.done(['produce', queue], Array.from({ length: count }, (_, at) => lineOf(at)).join('\n'));
        const first = await takeUntil(signal, exit, place, [queue, '--ack', '--prefetch', '1000']);
        assert.ok(first.length > 0 && first.length < count, first.length.toString());
        const rest = valuesOf(
          await place.done(['consume', queue, '--ack', '-o', 'value', '--prefetch', '2000']),
        );
        // Each once: nothing was lost, and what was written out was acknowledged.
        const number = (line: string): number => Number(line.split(' ')[1]);
        const all = [...first, ...rest].map(number).sort((one, other) => one - other);
        assert.deepEqual(
          all,
          Array.from({ length: count }, (_, at) => at),
        );
      });

    test(`${signal} in the middle of a redrive is exit ${exit.toString()}, and going on moves each of the rest once`, async (t) => {
      const place = await workplace(t, addressOf('rabbitmq'));
      const channels = {
        from: await place.channel('--type', 'quorum'),
        to: await place.channel('--type', 'quorum'),
      };
      await redriveUntil(signal, exit, place, channels, ['--ack']);
    });
  }
});
