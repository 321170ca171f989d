/** What AWS refuses for a moment, by a stand-in in front of the emulator that refuses as AWS does. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { without } from '../../brokers/needs.ts';
import { refusal, startFront, type FrontRule } from '../../brokers/aws-front.ts';
import { addressOf } from '../../brokers/needs.ts';
import { bytes, message, numbered, textsOf } from '../suite/messages.ts';
import { kinesis } from './kinesis-driver.ts';
import type { TestContext } from 'node:test';
import type { Driver } from '../../../src/lib/drivers/driver.ts';
import type { Message } from '../../../src/lib/message/message.ts';

const skip = without('kinesis');
const tooMuch = 'Rate exceeded for shard shardId-000000000000';

async function front(t: TestContext, rule: FrontRule) {
  const started = await startFront(addressOf('kinesis'), rule);
  t.after(() => started.close());
  return started;
}

async function everything(t: TestContext, driver: Driver, channel: string): Promise<Message[]> {
  const looking = await driver.look?.open(
    {
      channel,
      from: { every: { kind: 'start', shift: 0n } },
      until: null,
      follow: false,
      partitions: null,
      limit: null,
      uncommitted: false,
    },
    t.signal,
  );
  const messages: Message[] = [];
  for await (const batch of looking?.batches ?? []) messages.push(...batch);
  return messages;
}

function listOf(value: unknown): readonly unknown[] {
  return Array.isArray(value) ? value : [];
}

test(
  'of a request that was taken in part, only the refused entries are put again: all there once, in order per key',
  { skip },
  async (t) => {
    const at = await kinesis(t);
    const stream = await at.stream(1);
    let requests = 0;
    let refused = 0;
    const { endpoint } = await front(t, async ({ operation, body, pass }) => {
      if (operation !== 'PutRecords') return null;
      requests += 1;
      const records = listOf(body['Records']);
      // Every third entry of every second request is not taken.
      const isRefused = (index: number): boolean => requests % 2 === 1 && index % 3 === 0;
      const taken = records.filter((_, index) => !isRefused(index));
      const answer = taken.length === 0 ? null : await pass({ ...body, Records: taken });
      const parsed: unknown = answer === null ? {} : JSON.parse(answer.body);
      const fields =
        typeof parsed === 'object' && parsed !== null ? Object.fromEntries(Object.entries(parsed)) : {};
      const answers = [...listOf(fields['Records'])];
      const merged = records.map((_, index) => {
        if (!isRefused(index)) return answers.shift();
        refused += 1;
        const ErrorCode = index === 0 ? 'InternalFailure' : 'ProvisionedThroughputExceededException';
        return { ErrorCode, ErrorMessage: tooMuch };
      });
      const FailedRecordCount = records.length - taken.length;
      return { status: 200, body: JSON.stringify({ FailedRecordCount, Records: merged }) };
    });
    const keyed = Array.from({ length: 30 }, (_, index) =>
      message(`${index % 6} ${Math.floor(index / 6)}`, { key: bytes(`key-${index % 6}`) }),
    );
    const outcomes = await at.put(stream, [...keyed, ...numbered(30)], await at.another(endpoint));
    assert.ok(refused > 10, String(refused));
    assert.ok(outcomes.every(({ status }) => status === 'accepted'));
    const there = await everything(t, at.driver, stream);
    assert.deepEqual(textsOf(there).sort(), textsOf([...keyed, ...numbered(30)]).sort());
    for (const key of ['0', '1', '2', '3', '4', '5'])
      assert.deepEqual(
        textsOf(there).filter((text) => text.startsWith(`${key} `)),
        Array.from({ length: 5 }, (_, index) => `${key} ${index}`),
      );
    for (const outcome of outcomes)
      assert.ok(outcome.status === 'accepted' && there.some(({ offset }) => offset === outcome.offset));
  },
);

test(
  'a request that is throttled as a whole is put again, and an answer that never came is in doubt',
  { skip },
  async (t) => {
    const at = await kinesis(t);
    const stream = await at.stream(1);
    let requests = 0;
    const { endpoint } = await front(t, async ({ operation, pass }) => {
      if (operation !== 'PutRecords') return null;
      requests += 1;
      if (requests === 1) return refusal('ProvisionedThroughputExceededException', tooMuch);
      if (requests === 3) {
        await pass();
        return refusal('InternalFailure', 'broken on the way back', 500);
      }
      return null;
    });
    const driver = await at.another(endpoint);
    const first = await at.put(stream, numbered(3, 'throttled'), driver);
    const second = await at.put(stream, numbered(2, 'doubt'), driver);
    assert.deepEqual(
      [...first, ...second].map(({ status }) => status),
      ['accepted', 'accepted', 'accepted', 'unknown', 'unknown'],
    );
    assert.equal((await everything(t, at.driver, stream)).length, 5, 'put once each');
  },
);

test(
  'a shard is read five times a second at most, and throttled reads are waited for',
  { skip },
  async (t) => {
    const at = await kinesis(t);
    const stream = await at.stream(1);
    await at.put(stream, numbered(12));
    const reads: number[] = [];
    const { endpoint } = await front(t, async ({ operation, body, pass }) => {
      if (operation !== 'GetRecords') return null;
      reads.push(performance.now());
      if (reads.length % 4 === 2) return refusal('ProvisionedThroughputExceededException', tooMuch);
      // One record at a time, so that many reads are needed.
      return pass({ ...body, Limit: 1 });
    });
    const driver = await at.another(endpoint);
    assert.deepEqual(textsOf(await everything(t, driver, stream)), textsOf(numbered(12)));
    assert.ok(reads.length > 12, String(reads.length));
    // Over all of them, so that a request that was late on its way says nothing.
    const seconds = ((reads.at(-1) ?? 0) - (reads[0] ?? 0)) / 1_000;
    assert.ok((reads.length - 6) / seconds <= 5, `${String(reads.length)} reads in ${String(seconds)} s`);
  },
);
