/** What is SQS's own, on the emulator ElasticMQ. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { test, type TestContext } from 'node:test';
import type { Driver } from '../../../src/lib/drivers/driver.ts';
import type { Message, OutgoingMessage } from '../../../src/lib/message/message.ts';
import { bytes, message, numbered, textOf, textsOf } from '../suite/messages.ts';
import { system } from '../systems/sqs.ts';

const skip = system.missing;
const { signal } = new AbortController();

async function opened(t: TestContext): Promise<Driver> {
  const stateFolder = await mkdtemp(join(tmpdir(), 'mqctl-sqs-'));
  const driver = await system.open(system.connection(), {
    log: () => undefined,
    timeoutMs: 10_000,
    signal,
    stateFolder,
  });
  t.after(async () => {
    await driver.close();
    await rm(stateFolder, { recursive: true, force: true });
  });
  return driver;
}

async function queue(t: TestContext, driver: Driver, suffix = ''): Promise<string> {
  const channel = `own-${randomUUID()}${suffix}`;
  await driver.admin?.create(
    { channel, type: null, partitions: null, settings: {}, deadLetter: null },
    signal,
  );
  t.after(() => driver.admin?.delete(channel, signal).catch(() => undefined));
  return channel;
}

async function send(driver: Driver, channel: string, messages: readonly OutgoingMessage[]) {
  const publisher = await driver.publish?.open(
    { channel, delivery: 'at-least-once', compression: null },
    signal,
  );
  assert.ok(publisher);
  const outcomes = await publisher.send(messages);
  await publisher.close();
  return outcomes;
}

function claim(driver: Driver, channel: string, leaseMs: number | null = null) {
  const request = { channel, group: null, from: null, select: null, follow: false, window: 100, leaseMs };
  assert.ok(driver.claim);
  return driver.claim.open(request, signal);
}

/** Everything, settled as it comes. */
async function taken(driver: Driver, channel: string): Promise<Message[]> {
  const messages: Message[] = [];
  const claiming = await claim(driver, channel);
  for await (const batch of claiming.batches) {
    if (batch.kind !== 'claimed') continue;
    messages.push(...batch.items.map((item) => item.message));
    const outcomes = await claiming.settle(batch.items.map((item) => item.claim));
    assert.deepEqual(new Set(outcomes), new Set(['settled']));
  }
  await claiming.close();
  return messages;
}

test(
  'in a batch of which some are refused, each has its own outcome, and what was accepted is there',
  { skip },
  async (t) => {
    const driver = await opened(t);
    const channel = await queue(t, driver);
    const eleven = Array.from({ length: 11 }, (_, at) => ({ name: `h${String(at)}`, value: bytes('v') }));
    const outcomes = await send(driver, channel, [
      message('first'),
      message(''),
      message(Uint8Array.of(0xff, 0xfe)),
      message('with a control character \u0001'),
      message('eleven headers', { headers: eleven }),
      message('a name of blanks', { headers: [{ name: 'a b', value: bytes('v') }] }),
      message('a null header', { headers: [{ name: 'a', value: null }] }),
      message('a key', { key: bytes('k') }),
      message('last'),
    ]);
    assert.deepEqual(
      outcomes.map(({ status }) => status),
      ['accepted', ...Array.from({ length: 7 }, () => 'rejected'), 'accepted'],
    );
    const reasons = outcomes.map((outcome) => (outcome.status === 'rejected' ? outcome.reason : ''));
    assert.match(reasons[1] ?? '', /empty/);
    assert.match(reasons[2] ?? '', /binary.*base64/);
    assert.match(reasons[3] ?? '', /control characters/);
    assert.match(reasons[4] ?? '', /11 headers, and SQS takes 10/);
    assert.deepEqual(textsOf(await taken(driver, channel)).sort(), ['first', 'last']);
  },
);

test(
  'attributes of every data type come back as they were, and again when sent again',
  { skip },
  async (t) => {
    const driver = await opened(t);
    const headers = [
      { name: 'text', value: bytes('naïve ☃') },
      { name: 'number', value: { type: 'Number', value: '1.50' } },
      { name: 'labelled', value: { type: 'Number.int', value: '7' } },
      { name: 'json', value: { type: 'String.json', value: '{}' } },
      { name: 'bytes', value: { type: 'Binary', value: Uint8Array.of(0, 255) } },
      { name: 'labelled-bytes', value: { type: 'Binary.gzip', value: Uint8Array.of(31, 139) } },
    ];
    const byName = (one: { name: string }, other: { name: string }) => (one.name < other.name ? -1 : 1);
    const first = await queue(t, driver);
    await send(driver, first, [message('a', { headers })]);
    const [once] = await taken(driver, first);
    const second = await queue(t, driver);
    await send(driver, second, [message('a', { headers: once?.headers ?? [] })]);
    const [twice] = await taken(driver, second);
    const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value));
    const expected = plain(
      headers
        .map(({ name, value }) => ({
          name,
          value:
            'type' in value && value.value instanceof Uint8Array
              ? { ...value, value: Buffer.from(value.value) }
              : value instanceof Uint8Array
                ? Buffer.from(value)
                : value,
        }))
        .toSorted(byName),
    );
    for (const found of [once, twice]) {
      const seen = (found?.headers ?? [])
        .map(({ name, value }) => ({
          name,
          value:
            value !== null && 'type' in value && value.value instanceof Uint8Array
              ? { ...value, value: Buffer.from(value.value) }
              : value,
        }))
        .toSorted(byName);
      assert.deepEqual(plain(seen), expected);
    }
  },
);

test(
  "an attribute whose value AWS's client loses is shown without one, and is refused when it is to be sent on",
  { skip },
  async (t) => {
    const driver = await opened(t);
    const channel = await queue(t, driver);
    const endpoint = new URL(system.connection().url).searchParams.get('endpoint') ?? '';
    const sent = await fetch(endpoint, {
      method: 'POST',
      headers: {
        'content-type': 'application/x-amz-json-1.0',
        'x-amz-target': 'AmazonSQS.SendMessage',
      },
      body: `{"QueueUrl":"${endpoint}/000000000000/${channel}","MessageBody":"a","MessageAttributes":{"__proto__":{"DataType":"String","StringValue":"v"},"b":{"DataType":"String","StringValue":"w"}}}`,
    });
    assert.equal(sent.status, 200, await sent.text());
    const [found] = await taken(driver, channel);
    assert.ok(found !== undefined);
    assert.deepEqual(
      new Map(found.headers.map(({ name, value }) => [name, value])),
      new Map([
        ['__proto__', null],
        ['b', Buffer.from('w')],
      ]),
    );
    const [outcome] = await send(driver, channel, [message('a', { headers: found.headers })]);
    assert.match(outcome?.status === 'rejected' ? outcome.reason : '', /"__proto__".*without its value/);
  },
);

test(
  'a FIFO queue keeps the order of each group over many batches, and says which messages it suppressed as duplicates',
  { skip },
  async (t) => {
    const driver = await opened(t);
    const channel = await queue(t, driver, '.fifo');
    const groups = ['a', 'b', 'c'];
    const sent = numbered(90).map((one, at) => ({
      ...one,
      properties: { groupId: groups[at % 3] ?? '', deduplicationId: `d-${String(at)}` },
    }));
    const again = sent.slice(0, 3).map((one) => ({ ...one, value: bytes('again') }));
    const outcomes = await send(driver, channel, [...sent, ...again]);
    assert.ok(outcomes.every(({ status }) => status === 'accepted'));
    assert.deepEqual(
      outcomes.map((outcome) => outcome.status === 'accepted' && outcome.suppressed === true),
      [...sent.map(() => false), true, true, true],
    );
    const arrived = await taken(driver, channel);
    assert.equal(arrived.length, 90);
    for (const group of groups) {
      const of = (messages: readonly OutgoingMessage[]) =>
        messages.filter(({ properties }) => properties['groupId'] === group).map(textOf);
      assert.deepEqual(of(arrived), of(sent), group);
    }
  },
);

test(
  'what outlived its lease in the middle of the work is not said to be settled, and comes again',
  { skip },
  async (t) => {
    const driver = await opened(t);
    const channel = await queue(t, driver);
    await send(driver, channel, numbered(2));
    const claiming = await claim(driver, channel, 1_000);
    const held: string[] = [];
    for await (const batch of claiming.batches) {
      if (batch.kind === 'claimed') held.push(...batch.items.map((item) => item.claim));
      if (held.length === 2) break;
    }
    await sleep(1_100); // the lease, not the machine
    assert.deepEqual(await claiming.settle(held), ['lost', 'lost']);
    await claiming.close();
    assert.deepEqual(textsOf(await taken(driver, channel)).sort(), textsOf(numbered(2)));
  },
);
