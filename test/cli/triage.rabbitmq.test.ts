import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addressOf, without } from '../brokers/needs.ts';
import { keys, LiveTerminal } from './live-terminal.ts';
import { withoutTerminal } from './terminal.ts';
import { incident, namesIn } from './triage.ts';
import { workplace } from './workplace.ts';

const skip = without('rabbitmq') || withoutTerminal;

test(
  'triage of a queue of RabbitMQ says what its one look costs, and asks before; what is put aside is in quarantine',
  { skip },
  async (t) => {
    const shop = await workplace(t, addressOf('rabbitmq'));
    const origin = await shop.channel();
    const deadLetters = await shop.channel();
    await incident(shop, deadLetters, origin);
    await shop.done(['create', `${deadLetters}.quarantine`]);
    const triage = (): LiveTerminal =>
      new LiveTerminal(t, ['dlq', 'triage', deadLetters, '-c', shop.context], shop.folder, {
        columns: 80,
        rows: 24,
      });
    const taken = async (channel: string): Promise<string[]> =>
      namesIn((await shop.done(['consume', channel, '--ack', '-o', 'ndjson'])).stdout);

    const refused = triage();
    await refused.sees(/counts as a delivery[^]*look at 4\?/);
    refused.press(`n${keys.enter}`);
    assert.equal(await refused.end(), 2);

    const screen = triage();
    await screen.sees(/look at 4\?/);
    screen.press(`y${keys.enter}`);
    await screen.sees(/> +3 +SocketTimeoutException/);
    screen.press('r');
    await screen.sees(/>R/);
    screen.press(`${keys.down}x`);
    await screen.sees(/>Q/);
    screen.press('c');
    await screen.sees(/1 is put aside into/);
    screen.press('y');
    assert.equal(await screen.end(), 0, 'to put one aside was decided');
    assert.deepEqual((await taken(origin)).sort(), ['one', 'three', 'two']);
    assert.deepEqual(await taken(`${deadLetters}.quarantine`), ['broken']);
    assert.deepEqual(await taken(deadLetters), []);
    await shop.done(['delete', `${deadLetters}.quarantine`, '--yes']);
  },
);
