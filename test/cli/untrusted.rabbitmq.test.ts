import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { test } from 'node:test';
import { addressOf, without } from '../brokers/needs.ts';
import { attack, colour, controlsIn, onTerminal, withoutTerminal } from './terminal.ts';
import { workplace } from './workplace.ts';

const skip = without('rabbitmq') !== false ? without('rabbitmq') : withoutTerminal;

test(
  'the name of a queue, what is in it, and the words of the broker are shown by a terminal and not obeyed',
  { skip },
  async (t) => {
    const { folder, context, done } = await workplace(t, addressOf('rabbitmq'));
    const queue = `cli-${randomUUID()}-${colour}${attack.trimEnd()}`; // RabbitMQ itself drops line ends from a name
    await done(['create', queue, '--type', 'quorum']);
    const record = {
      value: attack,
      headers: [
        [attack, attack],
        [colour, { type: 'table', value: [[attack, attack]] }],
      ],
      properties: { contentType: attack, correlationId: colour, type: attack },
    };
    await done(['produce', queue, '--format', 'ndjson'], `${JSON.stringify(record)}\n`);
    for (const words of [
      ['consume', queue],
      ['consume', queue, '-o', 'ndjson'],
      ['consume', queue, '-o', 'table'],
      ['consume', queue, '--ack', '--limit', '1', '-o', 'fmt=%s %h %{property:type}\\n'],
      ['describe', queue],
      ['delete', queue, '--dry-run'],
      // The broker says in its own words that it is there, and of another type.
      ['create', queue, '--type', 'classic'],
      ['consume', `${queue} elsewhere`],
      ['produce', `exchange:${queue}`, '--value', 'x'],
      ['produce', 'exchange:', '--routing-key', `${attack}${colour}`, '--value', 'x'],
    ]) {
      const shown = await onTerminal([...words, '--no-color', '-c', context], folder);
      assert.notEqual(shown.trim(), '', words[0]);
      assert.deepEqual(controlsIn(shown), [], `${words.join(' ')}: ${JSON.stringify(shown)}`);
      assert.doesNotMatch(shown, /\u001b\[31m/, 'a colour that is not ours');
    }
    await done(['delete', queue, '--yes']);
  },
);
