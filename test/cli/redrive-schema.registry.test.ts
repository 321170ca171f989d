import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { test } from 'node:test';
import { addressOf, without } from '../brokers/needs.ts';
import { mqctl } from './run-mqctl.ts';
import { workplace } from './workplace.ts';

const registry = `${addressOf('registry')}/apis/ccompat/v7`;
const avro = { type: 'record', name: 'Order', fields: [{ name: 'total', type: 'int' }] };
const json = {
  type: 'object',
  properties: { total: { type: 'integer', minimum: 1 } },
  required: ['total'],
};

test(
  'an edited dead letter is checked against the schema of where it goes, or of its own frame; what is refused stays, with the place',
  { skip: without('registry') },
  async (t) => {
    const shop = await workplace(t, 'local:shop.db');
    const [orders, dead] = [await shop.channel(), await shop.channel()];
    const register = async (part: string, file: string, schema: object): Promise<string> => {
      await writeFile(join(shop.folder, file), JSON.stringify(schema));
      const words = ['schema', 'register', `${orders}-${part}`, file, '--yes', '--registry', registry];
      const { stdout } = await shop.done([
        ...words,
        '--format',
        file.endsWith('avsc') ? 'avro' : 'json',
        '-o',
        'json',
      ]);
      return /"id":\s*"?(\d+)/.exec(stdout.toString())?.[1] ?? '';
    };
    await register('value', 'order.avsc', avro);
    const framedBy = Number(await register('framed', 'order.json', json));
    await writeFile(
      join(shop.folder, 'contexts.yaml'),
      JSON.stringify({ contexts: { shop: { url: 'local:shop.db', registry } } }),
      { mode: 0o600 },
    );
    const frame = Buffer.alloc(5);
    frame.writeInt32BE(framedBy, 1);
    const framed = (text: string): string => Buffer.concat([frame, Buffer.from(text)]).toString('base64');
    const origin = [['x-original-topic', orders]];
    const letters = [
      { value: '{"total":1}', headers: origin },
      { value: { base64: framed('{"total":1}') }, headers: origin },
    ];
    await shop.done(
      ['produce', dead, '--format', 'ndjson'],
      letters.map((letter) => JSON.stringify(letter)).join('\n'),
    );

    const run = (...words: readonly string[]) =>
      mqctl(['dlq', 'redrive', dead, '--dry-run', '-c', 'shop', ...words], {
        folder: shop.folder,
        environment: { MQCTL_CONFIG: join(shop.folder, 'contexts.yaml') },
      });
    const plan = async (...words: readonly string[]) => {
      const { code, stdout, stderr } = await run('-o', 'json', ...words);
      assert.equal(code, 0, stderr);
      const { leftOut } = JSON.parse(stdout.toString()) as {
        leftOut: readonly { readonly reason: string }[];
      };
      return leftOut.map(({ reason }) => reason);
    };
    const plain = ['--filter', 'value.total == 1'];
    assert.deepEqual(await plan(...plain, '--set', 'value.total=2'), []);
    const [wrong, ...others] = await plan(...plain, '--set', 'value.total=two');
    assert.match(wrong ?? '', new RegExp(`^its value is not what ${orders}-value version 1 says: /total: `));
    assert.deepEqual(others, []);
    assert.deepEqual(await plan(...plain, '--set', 'value.total=two', '--no-schema-check'), []);
    assert.deepEqual(await plan('--all'), [], 'what nobody changed goes as it is');

    // In the frame's own schema, which decodes anything that is JSON.
    const framedOne = ['--filter', 'partition != null && offset == "1"'];
    const patch = async (text: string): Promise<readonly string[]> => {
      const value = { base64: framed(text) };
      await writeFile(
        join(shop.folder, 'patch.json'),
        JSON.stringify([{ op: 'replace', path: '/value', value }]),
      );
      return plan(...framedOne, '--patch', 'patch.json');
    };
    assert.deepEqual(await patch('{"total":3}'), []);
    assert.match((await patch('{"total":0}'))[0] ?? '', /^its value is not what .* says: \/total: /);

    await writeFile(
      join(shop.folder, 'contexts.yaml'),
      JSON.stringify({ contexts: { shop: { url: 'local:shop.db', registry: 'http://127.0.0.1:1' } } }),
      { mode: 0o600 },
    );
    const away = await run(...plain, '--set', 'value.total=2');
    assert.equal(away.code, 4, away.stderr);
    assert.match(away.stderr, /--no-schema-check/);
  },
);
