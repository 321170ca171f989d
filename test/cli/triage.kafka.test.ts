import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addressOf, without } from '../brokers/needs.ts';
import { keys, LiveTerminal } from './live-terminal.ts';
import { withoutTerminal } from './terminal.ts';
import { incident, namesIn } from './triage.ts';
import { workplace } from './workplace.ts';

const skip = without('kafka') || withoutTerminal;

test(
  'one of several dead letters of a topic of Kafka goes back, and the next triage shows the others',
  { skip },
  async (t) => {
    const shop = await workplace(t, `kafka://${addressOf('kafka')}`);
    const origin = await shop.channel();
    const deadLetters = await shop.channel();
    await incident(shop, deadLetters, origin);
    const triage = (): LiveTerminal =>
      new LiveTerminal(t, ['dlq', 'triage', deadLetters, '-c', shop.context], shop.folder, {
        columns: 80,
        rows: 24,
      });
    const screen = triage();
    await screen.sees(/4 dead letters, 2 causes/);
    screen.press(keys.enter);
    await screen.sees(/>.*0:0/);
    screen.press(`${keys.down}r`);
    await screen.sees(/>R +0:1/);
    screen.press('c');
    await screen.sees(/exactly once/);
    screen.press('y');
    assert.equal(await screen.end(), 0, screen.shown);
    assert.match(screen.said, /mqctl dlq redrive \S+ --id 0:1/);
    const back = await shop.done(['consume', origin, '-o', 'ndjson']);
    assert.deepEqual(namesIn(back.stdout), ['two']);
    const next = triage();
    await next.sees(/3 dead letters, 2 causes/);
    next.press('q');
    assert.equal(await next.end(), 0);
  },
);
