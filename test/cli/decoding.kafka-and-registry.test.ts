import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { addressOf, without } from '../brokers/needs.ts';
import { keys, LiveTerminal } from './live-terminal.ts';
import { mqctl } from './run-mqctl.ts';
import { withoutTerminal } from './terminal.ts';
import { workplace } from './workplace.ts';

const skip = without('kafka') || without('registry');
const customer = {
  type: 'record',
  name: 'Customer',
  namespace: 'shop',
  fields: [{ name: 'id', type: 'long' }],
};

test(
  'a topic of Kafka in every frame that the registry knows: consume, dlq inspect and dlq triage decode it',
  { skip: skip || withoutTerminal },
  async (t) => {
    const shop = await workplace(t, `kafka://${addressOf('kafka')}`);
    const { folder, done, context } = shop;
    const registry = `${addressOf('registry')}/apis/ccompat/v7`;
    await mkdir(join(folder, 'config', 'mqctl'), { recursive: true });
    await writeFile(
      join(folder, 'config', 'mqctl', 'contexts.yaml'),
      JSON.stringify({ contexts: { shop: { url: context, registry } } }),
      { mode: 0o600 },
    );
    const named = async (words: readonly string[], input = '') => {
      const ended = await mqctl([...words, '-c', 'shop'], { folder, input });
      assert.equal(ended.code, 0, `${words.join(' ')}: ${ended.stderr}`);
      return ended;
    };
    const subject = `decoding-${randomUUID()}`;
    await writeFile(join(folder, 'customer.avsc'), JSON.stringify(customer));
    await named(['schema', 'register', subject, 'customer.avsc', '--yes']);
    const got = (await named(['schema', 'get', subject, '-o', 'json'])).stdout.toString();
    const { id } = JSON.parse(got) as { id: string };

    const topic = await shop.channel();
    await named(['produce', topic, '--value-schema', `subject:${subject}`], '{"id":1}\n');
    const bare = Buffer.from([4]); // the long 2
    const head = Buffer.alloc(5);
    head.writeInt32BE(Number(id), 1);
    const contentId = Buffer.alloc(8);
    contentId.writeBigInt64BE(BigInt(id));
    const base64 = (bytes: Uint8Array) => Buffer.from(bytes).toString('base64');
    const framed = base64(Buffer.concat([head, bare]));
    const records = [
      {
        value: { base64: base64(bare) },
        headers: [['apicurio.value.contentId', { base64: base64(contentId) }]],
      },
      { value: { base64: framed }, headers: [['ce_specversion', '1.0']] },
      {
        value: JSON.stringify({ specversion: '1.0', data_base64: framed }),
        headers: [['content-type', 'application/cloudevents+json']],
      },
      { value: '{"id":"no frame"}', headers: [] },
      { value: { base64: base64(head) }, headers: [] },
    ];
    const lines = records.map((record) => JSON.stringify(record)).join('\n');
    await done(['produce', topic, '--format', 'ndjson'], lines);

    const expected = [{ id: 1 }, { id: 2 }, { id: 2 }, { id: 2 }, null, null];
    for (const words of [['consume'], ['dlq', 'inspect']]) {
      const { stdout } = await named([...words, topic, '-o', 'ndjson']);
      const decoded = stdout
        .toString()
        .split('\n')
        .filter((line) => line !== '')
        .map((line) => (JSON.parse(line) as { decoded?: unknown }).decoded ?? null);
      assert.deepEqual(decoded, expected, words.join(' '));
    }
    interface Scanned {
      readonly groups: readonly {
        readonly reason: string;
        readonly healthy: boolean;
        readonly count: number;
        readonly range: { readonly from: string; readonly until: string };
      }[];
    }
    const scanned = await named(['schema', 'scan', topic, '-o', 'json']);
    const { groups } = JSON.parse(scanned.stdout.toString()) as Scanned;
    const counts = groups.filter(({ reason }) => reason === 'ok').reduce((sum, { count }) => sum + count, 0);
    assert.equal(counts, 4);
    // What poisons it is named with its range, which other commands take.
    assert.deepEqual(
      groups
        .filter(({ healthy }) => !healthy)
        .map(({ reason, count, range }) => [reason, count, range.from, range.until])
        .sort(),
      [
        ['truncated', 1, '0:5', '0:6'],
        ['unframed-json', 1, '0:4', '0:5'],
      ],
    );
    const sound = ['schema', 'scan', topic, '--until', '0:4', '--fail-on-invalid', '-o', 'json'];
    const quiet = JSON.parse((await named(sound)).stdout.toString()) as Scanned;
    assert.ok(quiet.groups.every(({ healthy }) => healthy));

    const screen = new LiveTerminal(t, ['dlq', 'triage', topic, '-c', 'shop'], folder, {
      columns: 80,
      rows: 24,
    });
    await screen.sees(/6 dead letters/);
    screen.press(keys.enter);
    await screen.sees(/>.*0:0/);
    screen.press('v');
    await screen.sees(/Tab/);
    screen.press('\t\t');
    await screen.sees(/value\.id = 1/);
    screen.press('qq');
    await screen.end();
  },
);
