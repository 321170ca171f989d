import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addressOf, without } from '../brokers/needs.ts';
import { stopsWhereTheyComeBack } from './fails-again.ts';
import { copies } from './redrive-copy.ts';
import { ranges } from './redrive-range.ts';
import { workplace } from './workplace.ts';

test(
  'a copy of dead letters is published as often as it is asked for, and they stay unresolved',
  { skip: without('kafka') },
  async (t) => copies(await workplace(t, `kafka://${addressOf('kafka')}`)),
);

test(
  'dead letters are looked at, copied and redriven by where they lie, and the others stay',
  { skip: without('kafka') },
  async (t) => ranges(await workplace(t, `kafka://${addressOf('kafka')}`)),
);

test(
  'a consumer that is still broken: the redrive stops within its first step and names what came back',
  { skip: without('kafka') },
  async (t) => {
    const place = await workplace(t, `kafka://${addressOf('kafka')}`);
    const report = await stopsWhereTheyComeBack(place, ['--group', 'billing']);
    assert.partialDeepStrictEqual(report, { returned: 1, returnedMessages: [{ id: '0:0' }] });
  },
);
