/** Dead letters: how messages become some, why they say they did, and how they are moved away exactly once. */
import assert from 'node:assert/strict';
import type { AtomicMove, MoveItem } from '../../../../src/lib/drivers/driver.ts';
import { MqctlError } from '../../../../src/lib/errors.ts';
import type { Message } from '../../../../src/lib/message/message.ts';
import type { Column } from '../column.ts';
import type { Section } from '../contract-case.ts';
import { canBe, has } from '../contract-case.ts';
import { message, numbered, outgoing, textsOf } from '../messages.ts';
import type { Workbench } from '../workbench.ts';
import { eventually } from '../workbench.ts';

const recorded = has('deadLetters', 'a record of what was resolved', ({ by }) => by === 'recorded');

export const deadLetters: Section = {
  title: 'dead letters',
  cases: [
    {
      name: 'a channel with a dead-letter channel is listed as a pair, and both are described so',
      needs: [has('deadLetters'), has('admin', 'dead-letter channels', ({ deadLetter }) => deadLetter)],
      run: async (bench) => {
        const deadLetter = await bench.channel();
        const source = await bench.channel({ deadLetter });
        await eventually(async () => {
          const pairs = await bench.facet('deadLetters').pairs(bench.signal);
          assert.equal(
            pairs.filter((pair) => pair.source === source && pair.deadLetter === deadLetter).length,
            1,
          );
          const described = await bench.driver.describe(source, bench.signal);
          assert.equal(described.deadLetter?.channel, deadLetter);
          const target = await bench.driver.describe(deadLetter, bench.signal);
          assert.deepEqual(target.deadLetterOf, [source]);
        });
      },
    },
    {
      name: 'a message that dies arrives once, as it was, and says why and whence',
      needs: [
        has('deadLetters'),
        has('admin', 'dead-letter channels', ({ deadLetter }) => deadLetter),
        canBe('dying'),
      ],
      run: async (bench) => {
        const { dying } = bench.column.channel;
        assert.ok(dying !== null);
        const deadLetter = await bench.channel();
        const source = await bench.filled([message('poison')], { deadLetter, settings: dying.settings });
        if (dying.after === 'deliveries') await deliverUntilGone(bench, source);
        await eventually(async () => assert.deepEqual(textsOf(await bench.read(deadLetter)), ['poison']));
        const [dead] = await bench.read(deadLetter);
        assert.ok(dead !== undefined);
        const facts = bench.facet('deadLetters').read(dead);
        assert.deepEqual(facts, dead.deadLetter);
        assert.equal(facts?.origin.channel, source);
        assert.notEqual(facts?.reason, null);
        const key = bench.facet('deadLetters').routingKey?.(dead);
        const routes = (bench.column.facets.publish?.routing ?? null) !== null;
        assert.equal(key, routes ? source : undefined, 'by its own name, as it was sent to the channel');
        assert.ok(
          facts?.at === null || Math.abs((facts?.at ?? 0) - Date.now()) < 60_000,
          'the time of its death',
        );
        assert.deepEqual(textsOf(await bench.read(source)), []);
      },
    },
    {
      name: 'a message that never died says so',
      needs: [has('deadLetters'), has('look')],
      run: async (bench) => {
        const [alive] = await bench.read(await bench.filled([message('alive')]));
        assert.ok(alive !== undefined);
        assert.equal(bench.facet('deadLetters').read(alive), null);
        assert.equal(alive.deadLetter, null);
      },
    },
    {
      name: 'a channel that nobody worked on is fresh, and what is settled is remembered, one by one',
      needs: [recorded, has('claim', 'claims without a group', ({ group }) => group !== 'required')],
      run: async (bench) => {
        const channel = await bench.filled(numbered(6));
        const before = await resolvedState(bench, channel);
        assert.equal(before.memory, 'fresh');
        const taking = await bench.claiming(channel, { group: null });
        const taken = await taking.take(6);
        await taking.settle([4, 1].flatMap((index) => taken.slice(index, index + 1)));
        await taking.close();
        const state = await resolvedState(bench, channel);
        assert.equal(state.memory, 'kept');
        const resolved = (await bench.read(channel)).filter((one) => state.isResolved(one));
        assert.deepEqual(textsOf(resolved), ['message-1', 'message-4']);
        if (state.unresolved !== null) assert.equal(state.unresolved, 4);
      },
    },
    {
      name: 'what is recorded as resolved without being moved is remembered; with none, the record is begun',
      needs: [recorded],
      run: async (bench) => {
        const channel = await bench.filled(numbered(6));
        const facet = bench.facet('deadLetters');
        await facet.resolve?.(channel, [], bench.signal);
        assert.equal((await resolvedState(bench, channel)).memory, 'kept');
        const letters = await bench.read(channel);
        await facet.resolve?.(
          channel,
          letters.filter((letter) => ['message-4', 'message-1'].includes(textsOf([letter])[0] ?? '')),
          bench.signal,
        );
        const state = await resolvedState(bench, channel);
        assert.deepEqual(textsOf(letters.filter((one) => state.isResolved(one))), ['message-1', 'message-4']);
      },
    },
    {
      name: 'an atomic move puts each message there once and takes it away here',
      needs: [has('atomicMove')],
      run: async (bench) => {
        const { source, destination, items } = await movable(bench);
        const moving = await move(bench, source, destination, bench.name('move'));
        const outcomes = await moving.move(items.slice(0, 4), bench.signal);
        await moving.close();
        assert.ok(
          outcomes.every(({ status }) => status === 'accepted'),
          JSON.stringify(outcomes),
        );
        assert.deepEqual(textsOf(await bench.read(destination)), textsOf(numbered(4)));
        assert.deepEqual(await unresolved(bench, source), textsOf(numbered(10)).slice(4));
      },
    },
    {
      name: 'after an interrupted move, recover says what was moved, and going on moves each once',
      needs: [has('atomicMove')],
      run: async (bench) => {
        const { source, destination, items } = await movable(bench);
        const name = bench.name('move');
        const first = await move(bench, source, destination, name);
        await first.move(items.slice(0, 4), bench.signal);
        const stop = new AbortController();
        const interrupted = first.move(items.slice(4, 8), stop.signal).catch(() => null);
        stop.abort();
        await interrupted;

        const second = await move(bench, source, destination, name);
        const answers = await second.recover(
          items.map((item) => item.source),
          bench.signal,
        );
        const there = textsOf(await bench.read(destination));
        for (const [index, { source: one }] of items.entries()) {
          const arrived = there.includes(textsOf([one])[0] ?? '');
          // It is asked about the last move; of the one before it may know no more than that they are gone.
          const truths = arrived ? (index < 4 ? ['moved', 'gone'] : ['moved']) : ['not-moved'];
          assert.ok(truths.includes(answers[index] ?? ''), `${index}: ${answers[index]}`);
        }
        const left = items.filter((_, index) => answers[index] === 'not-moved');
        await second.move(left, bench.signal);
        await second.close();
        await first.close().catch(() => undefined);
        assert.deepEqual(textsOf(await bench.read(destination)).sort(), textsOf(numbered(10)).sort());
        assert.deepEqual(await unresolved(bench, source), []);
      },
    },
    {
      name: 'what was removed by someone else is never said to be moved',
      needs: [has('atomicMove'), has('admin')],
      run: async (bench) => {
        const { source, destination, items } = await movable(bench);
        const name = bench.name('move');
        const first = await move(bench, source, destination, name);
        await first.move(items.slice(0, 2), bench.signal);
        await bench.facet('admin').purge(source, bench.signal);
        const second = await move(bench, source, destination, name);
        const answers = await second.recover(
          items.slice(2).map((item) => item.source),
          bench.signal,
        );
        assert.deepEqual(
          answers,
          items.slice(2).map(() => 'gone'),
        );
        await second.close();
        await first.close().catch(() => undefined);
      },
    },
    {
      name: 'a run that was recovered by another can move nothing more',
      needs: [has('atomicMove')],
      run: async (bench) => {
        const { source, destination, items } = await movable(bench);
        const name = bench.name('move');
        const old = await move(bench, source, destination, name);
        await old.move(items.slice(0, 1), bench.signal);
        const other = await bench.open();
        const fresh = await other.atomicMove?.(
          { source, destination: other, channel: destination, name },
          bench.signal,
        );
        assert.ok(fresh !== null && fresh !== undefined);
        await fresh.recover([], bench.signal);
        const late = await old.move(items.slice(1, 2), bench.signal).catch((error: unknown) => {
          assert.ok(error instanceof MqctlError, String(error));
          return [];
        });
        assert.ok(
          late.every(({ status }) => status !== 'accepted'),
          JSON.stringify(late),
        );
        await old.close().catch(() => undefined);
        await fresh.close();
        assert.deepEqual(textsOf(await bench.read(destination)), ['message-0']);
      },
    },
    {
      name: 'one operator holds the lease: the second is told who, and may take over',
      needs: [has('lease')],
      run: async (bench) => {
        const channel = await bench.channel();
        const holder = (who: string) => ({ who, host: 'host-a', since: Date.now() });
        const first = await bench.facet('lease').acquire(channel, holder('alice'), false, bench.signal);
        const other = await bench.open();
        const { lease } = other;
        assert.ok(lease !== undefined);
        await assert.rejects(lease.acquire(channel, holder('bob'), false, bench.signal), (error: unknown) => {
          assert.ok(error instanceof MqctlError && error.code === 'HELD', String(error));
          assert.match(error.message, /alice/);
          assert.match(error.message, /host-a/);
          return true;
        });
        const second = await lease.acquire(channel, holder('bob'), true, bench.signal);
        await eventually(() => assert.ok(first.lost.aborted, 'the first is told that it lost the lease'));
        assert.equal(second.lost.aborted, false);
        await first.release().catch(() => undefined);
        await second.release();
        const third = await bench.facet('lease').acquire(channel, holder('carol'), false, bench.signal);
        await third.release();
      },
    },
  ],
};

/** Claims and gives back until it does not come again. */
async function deliverUntilGone(bench: Workbench, channel: string): Promise<void> {
  for (let round = 0; round < 30; round++) {
    const taking = await bench.claiming(channel);
    const taken = await taking.rest();
    if (taken.length > 0) await taking.release(taken);
    await taking.close();
    if (taken.length === 0) return;
  }
  throw new Error('it was delivered 30 times and did not die');
}

async function resolvedState(bench: Workbench, channel: string) {
  const state = await bench.facet('deadLetters').resolved?.(channel, bench.signal);
  assert.ok(state !== undefined, 'recorded is declared and there is no record');
  return state;
}

/** What a redrive would still find. */
async function unresolved(bench: Workbench, channel: string): Promise<string[]> {
  const all = await bench.read(channel);
  if (needsRecord(bench.column)) {
    const state = await resolvedState(bench, channel);
    return textsOf(all.filter((one) => !state.isResolved(one)));
  }
  return textsOf(all);
}

const needsRecord = (column: Column): boolean => recorded(column) === null;

async function movable(
  bench: Workbench,
): Promise<{ source: string; destination: string; items: readonly MoveItem[] }> {
  const source = await bench.filled(numbered(10));
  const destination = await bench.channel();
  const items = (await bench.read(source)).map((one: Message) => ({ source: one, outgoing: outgoing(one) }));
  return { source, destination, items };
}

async function move(
  bench: Workbench,
  source: string,
  destination: string,
  name: string,
): Promise<AtomicMove> {
  const request = { source, destination: bench.driver, channel: destination, name };
  const moving = await bench.driver.atomicMove?.(request, bench.signal);
  assert.ok(moving !== null && moving !== undefined, 'an atomic move inside one system is declared');
  return moving;
}
