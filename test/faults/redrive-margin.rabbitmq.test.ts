/** Each kill with messages held costs them a delivery: what is resumed again and again stops before the broker drops them. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import type { Driver } from '../../src/lib/drivers/driver.ts';
import type { Message } from '../../src/lib/message/message.ts';
import { eventually } from '../contract/rabbitmq/rabbitmq-server.ts';
import { system } from '../contract/systems/rabbitmq.ts';
import { Draw, everything, fill, seedOf, work, type Said } from './redrive-kill.ts';

const { signal } = new AbortController();
const limit = 8;
/** Of a quorum queue that declares none. */
const defaultLimit = 20;
const inFlight = 50;
/** The position of the journal at which the first batch has been claimed and is intended, and what follows it. */
const intended = 8;

interface Killed {
  readonly driver: Driver;
  readonly channel: string;
  readonly to: string;
  readonly kills: number;
  /** What the resume said that was refused before it took anything; null: the redrive came to its end. */
  readonly refusal: string | null;
}

/** Between quorum queues, without a dead-letter exchange: beyond the limit a message is lost. */
async function killedUntilRefused(
  context: TestContext,
  count: number,
  dieAt: () => number,
  most: number,
  settings: Readonly<Record<string, string>> = { 'x-delivery-limit': limit.toString() },
): Promise<Killed> {
  const stateFolder = await mkdtemp(join(tmpdir(), 'mqctl-redrive-'));
  const connection = system.connection();
  const driver = await system.open(connection, {
    log: () => undefined,
    timeoutMs: 10_000,
    signal,
    stateFolder,
  });
  const name = randomUUID();
  const [to, channel] = [`orders-${name}`, `orders-${name}.dlq`];
  context.after(async () => {
    for (const queue of [to, channel]) await driver.admin?.delete(queue, signal).catch(() => undefined);
    await driver.close();
    await rm(stateFolder, { recursive: true, force: true });
  });
  const create = (queue: string, declared: Readonly<Record<string, string>>) =>
    driver.admin?.create(
      { channel: queue, type: 'quorum', partitions: null, settings: declared, deadLetter: null },
      signal,
    );
  await create(to, {});
  await create(channel, settings);
  await fill(driver, channel, count);
  const order = { system: 'rabbitmq' as const, connection, stateFolder, channel, to, inTwoSteps: false };
  let jobId: string | null = null;
  let kills = 0;
  for (let rounds = 0; rounds < most; rounds += 1) {
    const ended: Said | Error = await work(context, { ...order, inFlight, jobId, dieAt: dieAt() }).catch(
      (error: unknown) => (error instanceof Error ? error : new Error(String(error))),
    );
    if (ended instanceof Error) return { driver, channel, to, kills, refusal: ended.message };
    jobId = ended.job ?? jobId;
    if (ended.report?.state === 'done') return { driver, channel, to, kills, refusal: null };
    if (ended.report === null) kills += 1;
    await eventually(
      async () => (await waiting(driver, channel)) + (await waiting(driver, to)),
      (there) => there >= count,
    );
  }
  return assert.fail(`neither refused nor done in ${most.toString()} runs`);
}

async function waiting(driver: Driver, channel: string): Promise<number> {
  return (await driver.look?.appraise(channel, signal))?.waiting ?? 0;
}

function texts(messages: readonly Message[]): ReadonlySet<string> {
  return new Set(messages.map(({ value }) => Buffer.from(value ?? []).toString()));
}

const refused =
  /when it was last looked at, a message there was delivered \d times of 8, and this takes 1 more/;

test(
  'a redrive whose every batch is killed in its hands is refused before the broker drops one: all are in the queue',
  { skip: system.missing },
  async (context) => {
    const count = 40;
    const run = await killedUntilRefused(context, count, () => intended, limit * 2);
    assert.match(run.refusal ?? '', refused);
    assert.ok(run.kills >= 3, 'it was killed with all of them in its hands');
    const left = await everything(run.driver, run.channel);
    assert.equal(texts(left).size, count);
    assert.equal(left.length, count);
    const counts = left.map(({ delivery }) => delivery.count ?? 0);
    assert.ok(Math.max(...counts) <= limit - 1, 'taking them here is one more, and the last is not used up');
    context.diagnostic(
      `refused after ${run.kills.toString()} kills, at delivery ${Math.max(...counts).toString()}`,
    );
  },
);

test(
  'a queue that declares no delivery limit has the default of the broker: refused before that is used up, and all are in the queue',
  { skip: system.missing },
  async (context) => {
    const count = 40;
    const run = await killedUntilRefused(context, count, () => intended, defaultLimit * 2, {});
    assert.match(run.refusal ?? '', /a message there was delivered \d+ times of 20, and this takes 1 more/);
    assert.ok(run.kills >= defaultLimit / 2, 'it was killed with all of them in its hands');
    const left = await everything(run.driver, run.channel);
    assert.deepEqual([texts(left).size, left.length], [count, count]);
    const counts = left.map(({ delivery }) => delivery.count ?? 0);
    assert.ok(Math.max(...counts) <= defaultLimit - 1, 'the last delivery is not used up');
    context.diagnostic(
      `refused after ${run.kills.toString()} kills, at delivery ${Math.max(...counts).toString()}`,
    );
  },
);

test(
  'a redrive of more than it holds, killed anywhere, is refused or done, and every message is somewhere',
  { skip: system.missing },
  async (context) => {
    const count = 120;
    const draw = new Draw(seedOf(context));
    const run = await killedUntilRefused(context, count, () => intended + draw.upTo(3) - 1, limit * 8);
    const arrived = texts(await everything(run.driver, run.to));
    const left = texts(await everything(run.driver, run.channel));
    assert.equal(arrived.union(left).size, count);
    if (run.refusal !== null) assert.match(run.refusal, refused);
    context.diagnostic(
      `${run.refusal === null ? 'done' : 'refused'} after ${run.kills.toString()} kills, ${left.size.toString()} left`,
    );
  },
);
