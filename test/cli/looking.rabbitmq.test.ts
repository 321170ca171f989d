import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { once } from 'node:events';
import { test } from 'node:test';
import { addressOf, without } from '../brokers/needs.ts';
import { eventually } from '../contract/suite/workbench.ts';
import { isObject } from './random-records.ts';
import { ended, mqctl, startMqctl } from './run-mqctl.ts';
import { workplace, type Workplace } from './workplace.ts';

const skip = without('rabbitmq');

const lines = (count: number): string =>
  Array.from({ length: count }, (_, at) => `message ${at.toString()}\n`).join('');

async function described({ done }: Workplace, queue: string): Promise<Readonly<Record<string, unknown>>> {
  const { stdout } = await done(['describe', queue, '-o', 'json']);
  const parsed: unknown = JSON.parse(stdout.toString());
  assert.ok(isObject(parsed));
  return parsed;
}

test(
  'a quorum queue that was looked at has all its messages, in their order, and the look says what it cost',
  { skip },
  async (t) => {
    const place = await workplace(t, addressOf('rabbitmq'));
    const queue = await place.channel('--type', 'quorum');
    await place.done(['produce', queue], lines(50));

    const looked = await place.done(['consume', queue, '-o', 'value']);
    assert.equal(looked.stdout.toString(), lines(10));
    assert.match(looked.stderr, /looked at 10 of 50; hidden from 0 consumers for .+; delivery count now 1/);
    assert.partialDeepStrictEqual(await described(place, queue), { messages: 50 });

    const again = await place.done(['consume', queue, '-o', 'value']);
    assert.match(again.stderr, /delivery count now 2/);
    const taken = await place.done(['consume', queue, '--ack', '-o', 'value']);
    assert.deepEqual(taken.stdout.toString().split('\n').sort(), lines(50).split('\n').sort());
  },
);

test('a look at a queue with consumers needs a yes, and then takes ten, not all', { skip }, async (t) => {
  const place = await workplace(t, addressOf('rabbitmq'));
  const queue = await place.channel('--type', 'quorum');
  // A worker that has taken its one message and writes it to nobody: it holds it, and the rest waits.
  const worker = startMqctl(['consume', queue, '--ack', '--follow', '--prefetch', '1', '-c', place.context], {
    folder: place.folder,
  });
  const workerEnded = ended(worker);
  await eventually(async () =>
    assert.partialDeepStrictEqual(await described(place, queue), { consumers: 1 }),
  );
  assert.ok(worker.stdout !== null);
  const first = once(worker.stdout, 'data');
  await place.done(['produce', queue, '--value', 'for the worker']);
  await first;
  worker.kill('SIGSTOP');
  try {
    await place.done(['produce', queue], lines(100));

    const refused = await place.run(['consume', queue]);
    assert.equal(refused.code, 2, refused.stderr);
    assert.equal(refused.stdout.length, 0);
    assert.match(refused.stderr, /--yes/);
    const following = await place.run(['consume', queue, '--follow', '--yes']);
    assert.equal(following.code, 2, following.stderr);
    assert.match(following.stderr, /--ack/);

    const looked = await place.done(['consume', queue, '--yes', '-o', 'value']);
    assert.equal(looked.stdout.toString().trimEnd().split('\n').length, 10);
    assert.match(looked.stderr, /looked at 10 of \d+; hidden from 1 consumer for /);
  } finally {
    worker.kill('SIGCONT');
    worker.kill('SIGTERM');
  }
  const { stdout } = await workerEnded;
  const rest = await place.done(['consume', queue, '--ack', '-o', 'value']);
  const workers = stdout.toString().trimEnd().split('\n').length;
  assert.equal(workers + rest.stdout.toString().trimEnd().split('\n').length, 101);
});

test('more than a thousand need a yes', { skip }, async (t) => {
  const { channel, run } = await workplace(t, addressOf('rabbitmq'));
  const queue = await channel('--type', 'classic');
  const { code, stderr } = await run(['consume', queue, '--limit', '1001']);
  assert.equal(code, 2);
  assert.match(stderr, /1001 are many|--yes/);
});

test(
  'a read-only context refuses a look that costs something, until --accept-cost says so',
  { skip },
  async (t) => {
    const place = await workplace(t, addressOf('rabbitmq'));
    const queue = await place.channel('--type', 'quorum');
    const stream = await place.channel('--type', 'stream');
    await place.done(['produce', queue], lines(3));
    await place.done(['produce', stream], lines(3));
    const environment = { MQCTL_CONFIG: join(place.folder, 'contexts.yaml') };
    const contexts = {
      current: 'watched',
      contexts: { watched: { url: addressOf('rabbitmq'), readOnly: true } },
    };
    await writeFile(environment.MQCTL_CONFIG, JSON.stringify(contexts), { mode: 0o600 });
    const readOnly = (...words: string[]) => mqctl(words, { folder: place.folder, environment });

    const refused = await readOnly('consume', queue, '-o', 'value');
    assert.equal(refused.code, 2, refused.stderr);
    assert.equal(refused.stdout.length, 0);
    assert.match(refused.stderr, /read-only.*--accept-cost/);
    const accepted = await readOnly('consume', queue, '-o', 'value', '--accept-cost');
    assert.equal(accepted.code, 0, accepted.stderr);
    assert.equal(accepted.stdout.toString(), lines(3));
    const schema = join(place.folder, 'any.json');
    await writeFile(schema, '{}');
    const validate = (channel: string) => ['schema', 'validate', '--channel', channel, '--schema', schema];
    const scan = ['schema', 'scan', queue, '--registry', 'http://127.0.0.1:1'];
    for (const words of [validate(queue), scan]) {
      const { code, stderr } = await readOnly(...words);
      assert.equal(code, 2, stderr);
      assert.match(stderr, /read-only.*--accept-cost/);
    }
    const validated = await readOnly(...validate(queue), '--accept-cost');
    assert.equal(validated.code, 0, validated.stderr);
    assert.equal((await readOnly(...validate(stream))).code, 0);
    // A stream is looked at for free.
    const free = await readOnly('consume', stream, '-o', 'value');
    assert.equal(free.code, 0, free.stderr);
    assert.equal(free.stdout.toString(), lines(3));
  },
);
