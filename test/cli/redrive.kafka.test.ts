import { test } from 'node:test';
import { addressOf, without } from '../brokers/needs.ts';
import { copies } from './redrive-copy.ts';
import { workplace } from './workplace.ts';

test(
  'a copy of dead letters is published as often as it is asked for, and they stay unresolved',
  { skip: without('kafka') },
  async (t) => copies(await workplace(t, `kafka://${addressOf('kafka')}`)),
);
