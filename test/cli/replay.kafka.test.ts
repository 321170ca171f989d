import assert from 'node:assert/strict';
import { test } from 'node:test';
import { addressOf, without } from '../brokers/needs.ts';
import { isObject } from './random-records.ts';
import { mqctl, type Ended } from './run-mqctl.ts';
import { workplace } from './workplace.ts';

function recordsOf({ stdout }: Ended): unknown[] {
  return stdout
    .toString()
    .trim()
    .split('\n')
    .map((line) => {
      const record: unknown = JSON.parse(line);
      assert.ok(isObject(record));
      const { key, value, headers, timestamp } = record;
      return { key, value, headers, timestamp };
    });
}

test(
  'an archive of the embedded broker is published to Kafka, byte for byte and with its times',
  { skip: without('kafka') },
  async (t) => {
    const place = await workplace(t, `kafka://${addressOf('kafka')}`);
    const topic = await place.channel('--partitions', '2');
    const archive = (words: readonly string[], input = ''): Promise<Ended> =>
      mqctl([...words, '-c', 'local:archive.db'], { folder: place.folder, input });
    const records = [
      { key: 'a', value: '{"total":7}', headers: [['trace', '1']] },
      { key: null, value: 'no key', headers: [] },
      { key: 'gone', value: null, headers: [] },
      { key: { base64: '/wD+' }, value: { base64: 'AAEC/w==' }, headers: [['n', { base64: '/w==' }]] },
      {
        key: 'a',
        value: 'again',
        headers: [
          ['t', 'x'],
          ['t', 'y'],
          ['t', null],
        ],
      },
    ].map((record, at) => ({ ...record, timestamp: new Date(Date.now() - 60_000 + at).toISOString() }));
    const lines = records.map((record) => JSON.stringify(record)).join('\n');
    const fill = ['produce', 'orders', '--create', '--format', 'ndjson', '--keep', 'timestamp'];
    assert.equal((await archive(fill, lines)).code, 0);
    const words = ['replay', 'orders', '--to', `${topic}@${place.context}`, '--keep', 'timestamp', '--yes'];
    const replayed = await archive([...words, '-o', 'json']);
    assert.equal(replayed.code, 0, replayed.stderr);
    const report: unknown = JSON.parse(replayed.stdout.toString());
    assert.partialDeepStrictEqual(report, {
      selected: 5,
      published: 5,
      failed: 0,
      leftOut: {},
      state: 'done',
    });
    const found = recordsOf(await place.done(['consume', topic, '-o', 'ndjson']));
    const text = (all: readonly unknown[]): string[] => all.map((each) => JSON.stringify(each)).sort();
    const expected = records.map(({ key, value, headers, timestamp }) => ({
      key,
      value,
      headers,
      timestamp,
    }));
    assert.deepEqual(text(found), text(expected));
    const ofKey = found.filter((each) => isObject(each) && each['key'] === 'a');
    assert.deepEqual(ofKey, [expected[0], expected[4]], 'in the order in which they came');
  },
);
