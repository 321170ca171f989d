/** A compacted topic that remembers which dead letters are resolved, in place of commits that are forgotten and have little room. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { after, before, describe, it, type TestContext } from 'node:test';
import type { Driver, MessageReference, ResolvedState } from '../../../src/lib/drivers/driver.ts';
import { open } from '../../../src/lib/drivers/kafka/index.ts';
import { FailedError, NotFoundError, UsageError } from '../../../src/lib/errors.ts';
import { Draw, everything, fill } from '../../faults/redrive-kill.ts';
import { columnsOf } from '../suite/column.ts';
import { deadLetters } from '../suite/cases/dead-letters.ts';
import { whyNotApplicable } from '../suite/contract-case.ts';
import { Workbench } from '../suite/workbench.ts';
import { system } from '../systems/kafka.ts';

const { signal } = new AbortController();
const memory = `resolved-${randomUUID()}`;
const environment = { log: () => undefined, timeoutMs: 10_000, signal, stateFolder: '/nonexistent' };

const connect = (resolvedTopic: string | null): Promise<Driver> =>
  open({ ...system.connection(), resolvedTopic }, environment);

const compacted = { 'cleanup.policy': 'compact' };

describe('dead letters of Kafka remembered in a topic', { skip: system.missing }, () => {
  let admin: Driver;

  before(async () => {
    admin = await connect(null);
    await create(memory, compacted, 3);
  });
  after(async () => {
    await admin.admin?.delete(memory, signal);
    await admin.close();
  });

  async function create(
    channel: string,
    settings: Readonly<Record<string, string>>,
    partitions = 1,
  ): Promise<void> {
    await admin.admin?.create({ channel, type: null, partitions, settings, deadLetter: null }, signal);
  }

  async function filled(context: TestContext, count: number): Promise<string> {
    const channel = `orders-${randomUUID()}.dlq`;
    await create(channel, {});
    context.after(() => admin.admin?.delete(channel, signal));
    await fill(admin, channel, count);
    return channel;
  }

  async function stateOf(
    context: TestContext,
    channel: string,
    topic: string | null,
  ): Promise<ResolvedState> {
    const driver = await connect(topic);
    context.after(() => driver.close());
    const state = await driver.deadLetters?.resolved?.(channel, signal);
    assert.ok(state);
    return state;
  }

  async function resolve(
    channel: string,
    references: readonly MessageReference[],
    topic: string | null,
  ): Promise<void> {
    const driver = await connect(topic);
    try {
      await driver.deadLetters?.resolve?.(channel, references, signal);
    } finally {
      await driver.close();
    }
  }

  const at = (offset: number): MessageReference => ({ id: null, partition: '0', offset: offset.toString() });

  const [column] = columnsOf({
    ...system,
    open: (connection, settings) => open({ ...connection, resolvedTopic: memory }, settings),
  });
  assert.ok(column);
  for (const one of deadLetters.cases) {
    const reason = whyNotApplicable(one, column);
    it(one.name, { skip: reason === null ? false : `not applicable: ${reason}` }, (context) =>
      Workbench.run(column, context.signal, one.run),
    );
  }

  it('has room for a set that no commit has, in any order, and knows it when the commits are forgotten', async (context) => {
    const count = 60_000;
    const channel = await filled(context, count);
    const draw = new Draw(1);
    const chosen = Array.from({ length: count }, (_, offset) => offset).filter(() => draw.upTo(2) === 1);
    await assert.rejects(
      resolve(channel, chosen.map(at), null),
      (error: unknown) =>
        error instanceof FailedError &&
        error.code === 'RESOLVED_SET_FULL' &&
        /resolvedTopic/.test(error.hint ?? ''),
    );
    const half = chosen.length >> 1;
    // The back first.
    await resolve(channel, chosen.slice(half).map(at), memory);
    await resolve(channel, chosen.slice(0, half).map(at), memory);
    await admin.groups?.delete(`mqctl-dlq.${channel}`, signal);
    const state = await stateOf(context, channel, memory);
    assert.deepEqual(
      [state.memory, state.unresolved, state.expiresAt],
      ['kept', count - chosen.length, null],
    );
    const resolved = new Set(chosen);
    for (let offset = 0; offset < count; offset += 1)
      assert.equal(state.isResolved(at(offset)), resolved.has(offset), offset.toString());
  });

  it('is found by who works without that context: the commits name it', async (context) => {
    const channel = await filled(context, 10);
    await resolve(channel, [3, 5].map(at), memory);
    await resolve(channel, [7].map(at), null);
    const state = await stateOf(context, channel, null);
    assert.deepEqual(
      Array.from({ length: 10 }, (_, offset) => offset).filter((offset) => state.isResolved(at(offset))),
      [3, 5, 7],
    );
    assert.equal((await stateOf(context, channel, memory)).unresolved, 7);
  });

  it('takes over what the commits had, and what another topic had', async (context) => {
    const channel = await filled(context, 10);
    const other = `resolved-${randomUUID()}`;
    await create(other, compacted);
    context.after(() => admin.admin?.delete(other, signal));
    await resolve(channel, [0, 1, 4].map(at), null);
    await resolve(channel, [6].map(at), other);
    await resolve(channel, [8].map(at), memory);
    await admin.groups?.delete(`mqctl-dlq.${channel}`, signal);
    const state = await stateOf(context, channel, memory);
    assert.deepEqual(
      Array.from({ length: 10 }, (_, offset) => offset).filter((offset) => state.isResolved(at(offset))),
      [0, 1, 4, 6, 8],
    );
  });

  it('does not take a topic that was made again for the one before', async (context) => {
    const channel = await filled(context, 5);
    await resolve(channel, [0, 3].map(at), memory);
    await admin.admin?.delete(channel, signal);
    await create(channel, {});
    await fill(admin, channel, 5);
    const state = await stateOf(context, channel, memory);
    assert.deepEqual([state.memory, state.unresolved], ['fresh', 5]);
  });

  it('says forgotten where the topic has lost what the commits are about, and refuses one that is gone or would lose it', async (context) => {
    const channel = await filled(context, 5);
    const lost = `resolved-${randomUUID()}`;
    await create(lost, compacted);
    await resolve(channel, [0, 3].map(at), lost);
    await admin.admin?.delete(lost, signal);
    await assert.rejects(stateOf(context, channel, null), (error: unknown) => error instanceof NotFoundError);
    await create(lost, compacted);
    context.after(() => admin.admin?.delete(lost, signal));
    assert.equal((await stateOf(context, channel, null)).memory, 'forgotten');
    const plain = `resolved-${randomUUID()}`;
    await create(plain, {});
    context.after(() => admin.admin?.delete(plain, signal));
    for (const topic of [plain, channel])
      await assert.rejects(stateOf(context, channel, topic), (error: unknown) => error instanceof UsageError);
  });

  it('waits for a transaction that is open there, and then knows what was committed behind it', async (context) => {
    const channel = await filled(context, 5);
    await resolve(channel, [0].map(at), memory);
    const told = (await everything(admin, memory)).findLast(({ key, value }) => {
      const subject = Buffer.from(key ?? []).toString();
      return subject.includes(`"${channel}"`) && value !== null && !subject.includes('block');
    });
    assert.equal(Buffer.from(told?.value ?? []).toString(), '{"version":1,"watermark":1}');
    const hanging = await connect(null);
    context.after(() => hanging.close());
    const opened = await hanging.publish?.open(
      { channel: memory, delivery: 'transactional', compression: null },
      signal,
    );
    assert.ok(opened);
    const empty = { value: null, headers: [], properties: {}, timestamp: null };
    await opened.send(['0', '1', '2'].map((partition) => ({ ...empty, key: Buffer.from('x'), partition })));
    const plain = await admin.publish?.open(
      { channel: memory, delivery: 'at-least-once', compression: null },
      signal,
    );
    const value = Buffer.from('{"version":1,"watermark":4}');
    await plain?.send([{ ...empty, key: told?.key ?? null, value, partition: told?.partition ?? null }]);
    await plain?.close();
    const waiting = stateOf(context, channel, memory);
    await opened.abort?.();
    await opened.close();
    assert.equal((await waiting).unresolved, 1);
  });
});
