import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addressOf, without } from '../brokers/needs.ts';
import { watching } from './dlq-watch.ts';
import { workplace } from './workplace.ts';

const skip = without('rabbitmq');

test(
  'where a look costs a delivery, watching looks at a few, says so, and stops before a message is lost',
  { skip },
  async (t) => {
    const place = await workplace(t, addressOf('rabbitmq'));
    const dlq = await place.channel('--type', 'quorum');
    await place.done(['produce', dlq, '--value', 'plain']);
    const watch = watching(place, [dlq]);
    await watch.told('interval', 1);
    await place.done(['produce', dlq, '--value', '{"broken":']);
    const [cause] = await watch.told('new-cause', 1);
    assert.equal(cause?.['message'], 'broken JSON, up to 1 KiB');
    await place.done(['produce', dlq], 'more\n'.repeat(20));
    const before = (await watch.told('interval', 1)).length;
    await watch.told('interval', before + 3);
    const { code, stderr } = await watch.stop();
    assert.equal(code, 130, stderr);
    assert.match(stderr, /looked at 1 of 1/);
    assert.match(stderr, /more than 10 wait/);
    const { stdout } = await place.done(['consume', dlq, '--ack', '-o', 'value']);
    assert.equal(stdout.toString().trimEnd().split('\n').length, 22);
  },
);
