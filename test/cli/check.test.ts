/** The forms in which `check` reports, at the embedded broker. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { parseJunit, withoutXmlParser } from './junit-parser.ts';
import { parseOpenMetrics, withoutParser } from './openmetrics-parser.ts';
import { isObject } from './random-records.ts';
import { workplace } from './workplace.ts';

test(
  'JUnit is read by an XML parser, OpenMetrics by the reference parser, and both say what JSON says',
  { skip: withoutXmlParser === false ? withoutParser : withoutXmlParser },
  async (t) => {
    const { run, done } = await workplace(t, 'local:shop.db');
    // A name with what both formats must escape; of a group that reads two channels.
    const group = 'a "b" & <c>\\';
    for (const channel of ['orders', 'payments']) {
      await done(['produce', channel, '--create'], 'one\none\ntwo');
      await done(['consume', channel, '--group', group, '--limit', '1']);
    }
    const [json, junit, metrics] = await Promise.all(
      ['json', 'junit', 'openmetrics'].map((format) => run(['check', '-o', format])),
    );
    assert.ok(json !== undefined && junit !== undefined && metrics !== undefined);
    assert.deepEqual([json.code, junit.code, metrics.code], [3, 3, 3], json.stderr);
    const document: unknown = JSON.parse(json.stdout.toString());
    assert.ok(isObject(document) && Array.isArray(document['checks']));
    const checks: unknown[] = document['checks'];
    const answers = checks.map((each) => {
      assert.ok(isObject(each));
      return [String(each['check']), String(each['status'])] as const;
    });

    const { tests, failures, skipped, cases } = await parseJunit(junit.stdout.toString());
    const outcomes = new Map([
      ['fail', 'failure'],
      ['unknown', 'skipped'],
      ['pass', 'system-out'],
      ['warn', 'system-out'],
    ]);
    assert.deepEqual(
      cases.map(({ group: id, outcome }) => [id, outcome]),
      answers.map(([id, status]) => [id, outcomes.get(status)]),
    );
    const count = (wanted: string): number => answers.filter(([, status]) => status === wanted).length;
    assert.deepEqual([tests, failures, skipped], [answers.length, count('fail'), count('unknown')]);
    assert.ok(cases.some(({ name }) => name.includes(group)) && cases.every(({ text }) => text !== ''));

    const [family, ...others] = await parseOpenMetrics(metrics.stdout.toString());
    assert.deepEqual([family?.name, family?.type, others.length], ['mqctl_check_status', 'gauge', 0]);
    const samples = family?.samples ?? [];
    const holds = samples.filter(({ value }) => value === 1).map(({ labels }) => labels);
    assert.deepEqual(
      holds.map(({ check, status }) => [check, status]),
      answers,
    );
    assert.ok(holds.some(({ subject }) => subject?.startsWith(group) === true));
    const names = samples.map(({ labels }) => JSON.stringify(Object.entries(labels).sort()));
    assert.equal(new Set(names).size, names.length, 'each set of labels once, as the format demands');
  },
);

test('the next command is for the same place, and a name of the broker is one word of it', async (t) => {
  const { run, done } = await workplace(t, 'local:shop.db');
  const channel = 'paid orders; $(id)';
  await done(['produce', channel, '--create'], 'one\ntwo');
  const { stdout } = await run(['check', channel, '--only', 'lag-trend', '-o', 'ndjson']);
  const answer: unknown = JSON.parse(stdout.toString());
  assert.ok(isObject(answer));
  assert.equal(answer['next'], `mqctl lag --channel 'paid orders; $(id)' --explain -c local:shop.db`);
  const { code, stdout: told } = await run(['lag', '--channel', channel, '--explain']);
  assert.equal(code, 0);
  assert.match(told.toString(), /2 messages waiting, and the group has no member/);
});
