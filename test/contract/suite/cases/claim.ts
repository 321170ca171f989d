/** Claiming: every message is settled, given back or lost, and nothing in between. Run for the channel itself and for a group. */
import assert from 'node:assert/strict';
import type { ClaimRequest, Claimed, MessageReference } from '../../../../src/lib/drivers/driver.ts';
import type { ContractCase, Need, Section } from '../contract-case.ts';
import { canBe, has, hasNetwork } from '../contract-case.ts';
import { message, numbered, textsOf } from '../messages.ts';
import type { Taking } from '../taking.ts';
import type { Workbench } from '../workbench.ts';
import { end, eventually } from '../workbench.ts';

const groups = has('claim', 'groups', ({ group }) => group !== 'none');
const leases = has('claim', 'leases', ({ leaseMs }) => leaseMs !== null);

export const claimFromChannel: Section = {
  title: 'claim from the channel',
  cases: claimCases(
    has('claim', 'claims without a group', ({ group }) => group !== 'required'),
    has('claim', 'selection', ({ select }) => select !== false),
    () => null,
  ),
};

export const claimForGroup: Section = {
  title: 'claim for a group',
  cases: [
    ...claimCases(
      groups,
      has('claim', 'selection for a group', ({ select }) => select === true),
      (bench) => bench.name('group'),
    ),
    {
      name: 'what a group rejects is not delivered to it again, and lies where it was told',
      needs: [
        has('claim', 'rejecting', ({ rejects }) => rejects?.includes('group') === true),
        has('deadLetters'),
      ],
      run: async (bench) => {
        const { capture } = bench.facet('deadLetters');
        if ((await capture?.missing(bench.signal)) !== null) await capture?.install(bench.signal);
        const [channel, group] = [await bench.filled(numbered(2)), bench.name('group')];
        const claiming = await bench
          .facet('claim')
          .open(
            { channel, group, from: null, select: null, follow: false, window: 2, leaseMs: null },
            bench.signal,
          );
        const rejected: string[] = [];
        for await (const batch of claiming.batches)
          if (batch.kind === 'claimed')
            for (const { claim, message: claimed } of batch.items) {
              const text = Buffer.from(claimed.value ?? []).toString();
              assert.deepEqual(await claiming.reject?.([claim], 'no total'), ['settled']);
              rejected.push(text);
            }
        await claiming.close();
        assert.equal(rejected.length, 2);
        const to = await bench.facet('claim').rejectsTo?.(channel, group, bench.signal);
        assert.ok(typeof to === 'string');
        await eventually(async () => {
          const dead = await bench.read(to);
          assert.deepEqual(textsOf(dead).toSorted(), rejected.toSorted());
          assert.ok(dead.every(({ deadLetter }) => deadLetter?.message === 'no total'));
        });
        const again = await bench
          .facet('claim')
          .open(
            { channel, group, from: null, select: null, follow: false, window: 2, leaseMs: null },
            bench.signal,
          );
        for await (const batch of again.batches) assert.fail(`it came again: ${batch.kind}`);
        await again.close();
      },
    },
    {
      name: 'two groups get everything, each for itself',
      needs: [groups],
      run: async (bench) => {
        const channel = await bench.filled(numbered(10));
        for (const group of [bench.name('group'), bench.name('group')]) {
          const taking = await bench.claiming(channel, { group });
          assert.deepEqual(textsOf(messages(await taking.take(10))), textsOf(numbered(10)));
          await taking.close();
        }
      },
    },
    {
      name: 'a group without a position begins where it is told to',
      needs: [groups],
      run: async (bench) => {
        const channel = await bench.filled(numbered(5, 'before'));
        const taking = await bench.claiming(channel, { group: bench.name('group'), from: end, follow: true });
        const taken = taking.take(2);
        await bench.publish(channel, numbered(2, 'after'));
        assert.deepEqual(textsOf(messages(await taken)), textsOf(numbered(2, 'after')));
      },
    },
    {
      name: 'a group with a position goes on from there, wherever it is told to begin',
      needs: [groups],
      run: async (bench) => {
        const channel = await bench.filled(numbered(5));
        const group = bench.name('group');
        const first = await bench.claiming(channel, { group });
        await first.settle(await first.take(2));
        await first.close();
        const second = await bench.claiming(channel, { group, from: end });
        assert.deepEqual(textsOf(messages(await second.rest())), textsOf(numbered(5)).slice(2));
      },
    },
  ],
};

const messages = (claimed: readonly Claimed[]) => claimed.map(({ message }) => message);
const texts = (claimed: readonly Claimed[]) => textsOf(messages(claimed)).sort();
const claimsOf = (claimed: readonly Claimed[]) => claimed.map(({ claim }) => claim);

/** `groupFor` makes the group of a case; null is the channel itself. */
function claimCases(
  mode: Need,
  selects: Need,
  groupFor: (bench: Workbench) => string | null,
): ContractCase[] {
  /** All that somebody else can claim now. */
  const remaining = async (bench: Workbench, channel: string, group: string | null): Promise<string[]> => {
    const taking = await bench.claiming(channel, { group });
    const rest = await taking.rest();
    await taking.close();
    return texts(rest);
  };
  const claim = (
    bench: Workbench,
    channel: string,
    group: string | null,
    change: Partial<ClaimRequest> = {},
  ) => bench.claiming(channel, { group, ...change });

  return [
    {
      name: 'what was settled does not come again, as surely as declared',
      needs: [mode],
      run: async (bench) => {
        const channel = await bench.filled(numbered(10));
        const group = groupFor(bench);
        const taking = await claim(bench, channel, group);
        const taken = await taking.take(10);
        assert.deepEqual(bench.inOrder(textsOf(messages(taken))), textsOf(numbered(10)));
        const outcomes = await taking.claiming.settle(claimsOf(taken));
        const { answer } = bench.traits('claim');
        assert.deepEqual(
          outcomes,
          taken.map(() => answer),
        );
        await taking.close();
        assert.deepEqual(await remaining(bench, channel, group), []);
      },
    },
    {
      name: 'without following it ends when the channel is empty',
      needs: [mode],
      run: async (bench) => {
        const channel = await bench.filled(numbered(3));
        const taking = await claim(bench, channel, groupFor(bench));
        assert.equal((await taking.rest()).length, 3);
      },
    },
    {
      name: 'following waits for what is published later, and ends on abort',
      needs: [mode],
      run: async (bench) => {
        const channel = await bench.filled(numbered(1, 'before'));
        const stop = new AbortController();
        const taking = await bench.claiming(channel, { group: groupFor(bench), follow: true }, stop.signal);
        await taking.settle(await taking.take(1));
        const later = taking.take(1);
        await bench.publish(channel, numbered(2, 'later'));
        const first = await later;
        await taking.settle(first);
        const taken = await taking.take(1);
        const both = [...first, ...taken];
        assert.deepEqual(bench.inOrder(textsOf(messages(both))), textsOf(numbered(2, 'later')));
        const rest = taking.rest().catch((error: unknown) => {
          if (!stop.signal.aborted) throw error;
          return [];
        });
        stop.abort();
        assert.deepEqual(await rest, []);
        await taking.settle(taken);
        await taking.close();
      },
    },
    {
      name: 'after an abort, settling and closing still work',
      needs: [mode],
      run: async (bench) => {
        const channel = await bench.filled(numbered(6));
        const group = groupFor(bench);
        const stop = new AbortController();
        const taking = await bench.claiming(channel, { group, follow: true }, stop.signal);
        const taken = await taking.take(6);
        stop.abort();
        await taking.settle(taken.slice(0, 3));
        await taking.close();
        await eventually(async () =>
          assert.deepEqual(await remaining(bench, channel, group), texts(taken.slice(3))),
        );
      },
    },
    {
      name: 'what was released comes again',
      needs: [mode],
      run: async (bench) => {
        const channel = await bench.filled(numbered(5));
        const group = groupFor(bench);
        const taking = await claim(bench, channel, group);
        const taken = await taking.take(5);
        await taking.settle(taken.slice(0, 2));
        await taking.release(taken.slice(2));
        await taking.close();
        assert.deepEqual(await remaining(bench, channel, group), texts(taken.slice(2)));
      },
    },
    {
      name: 'closing without settling loses nothing',
      needs: [mode],
      run: async (bench) => {
        const channel = await bench.filled(numbered(5));
        const group = groupFor(bench);
        const taking = await claim(bench, channel, group);
        await taking.take(5);
        await taking.close();
        await taking.close();
        assert.deepEqual(await remaining(bench, channel, group), textsOf(numbered(5)));
      },
    },
    {
      name: 'each is settled by itself, in any order',
      needs: [mode, has('claim', 'settling one by one', ({ settle }) => settle === 'each')],
      run: async (bench) => {
        const channel = await bench.filled(numbered(6));
        const group = groupFor(bench);
        const taking = await claim(bench, channel, group);
        const taken = await taking.take(6);
        const chosen = [4, 1].flatMap((index) => taken.slice(index, index + 1));
        await taking.settle(chosen);
        await taking.close();
        const rest = taken.filter((one) => !chosen.includes(one));
        assert.deepEqual(await remaining(bench, channel, group), texts(rest));
      },
    },
    {
      name: 'no more are claimed than the window holds',
      needs: [mode],
      run: async (bench) => {
        const channel = await bench.filled(numbered(10));
        const group = groupFor(bench);
        const taking = await claim(bench, channel, group, { window: 4 });
        const first = await taking.take(4);
        const next = taking.take(1);
        assert.equal(await Promise.race([next.then(() => 'one more'), waited(500)]), 'none');
        await taking.settle(first);
        assert.equal((await next).length, 1);
      },
    },
    {
      name: 'two who claim share the messages and never hold the same one',
      needs: [mode, has('admin')],
      run: async (bench) => {
        const partitions = bench.traits('admin').partitions ? 4 : null;
        const channel = await bench.channel({ partitions });
        const group = groupFor(bench);
        const all = numbered(40);
        if (partitions === null) await bench.publish(channel, all);
        else await publishEverywhere(bench, channel, all);
        const other = await bench.open();
        const seen = await shareAll(
          all.length,
          await claim(bench, channel, group, { window: 5, follow: true }),
          await bench.claiming(channel, { group, window: 5, follow: true }, bench.signal, other),
        );
        assert.deepEqual(seen.sort(), textsOf(all).sort());
      },
    },
    {
      name: 'single messages are claimed by reference, in the order asked for; those not there are missing',
      needs: [mode, selects],
      run: async (bench) => {
        const channel = await bench.filled(numbered(10));
        const group = groupFor(bench);
        const all = (await bench.read(channel)).map(({ partition, offset, id }) => ({
          partition,
          offset,
          id,
        }));
        const gone = await claim(bench, channel, group, { select: each(all.slice(2, 3)) });
        await gone.settle(await gone.take(1));
        await gone.close();

        const asked = [7, 2, 0, 5].flatMap((index) => all.slice(index, index + 1));
        const taking = await claim(bench, channel, group, { select: each(asked) });
        const taken = await taking.rest();
        assert.deepEqual(textsOf(messages(taken)), ['message-7', 'message-0', 'message-5']);
        assert.deepEqual(taking.missing, all.slice(2, 3));
        await taking.settle(taken.slice(0, 2));
        await taking.close();
        const expected = textsOf(numbered(10)).filter((_, index) => ![2, 7, 0].includes(index));
        assert.deepEqual(await remaining(bench, channel, group), expected);
      },
    },
    {
      name: 'a lease that ran out gives the message to someone else, and settling it says lost',
      needs: [mode, leases, canBe('shortLease')],
      run: async (bench) => {
        const channel = await bench.filled(numbered(3), { settings: bench.column.channel.shortLease ?? {} });
        const group = groupFor(bench);
        const slow = await claim(bench, channel, group, { leaseMs: 500 });
        const held = await slow.take(3);
        const quick = await bench.claiming(
          channel,
          { group, follow: true },
          bench.signal,
          await bench.open(),
        );
        const taken = await quick.take(3);
        assert.deepEqual(texts(taken), texts(held));
        await quick.settle(taken.slice(0, 1));
        assert.deepEqual(await slow.claiming.settle(claimsOf(held)), ['lost', 'lost', 'lost']);
        await quick.settle(taken.slice(1));
      },
    },
    {
      name: 'a lease that is extended keeps the message',
      needs: [mode, leases, canBe('shortLease')],
      run: async (bench) => {
        const channel = await bench.filled(numbered(1), { settings: bench.column.channel.shortLease ?? {} });
        const group = groupFor(bench);
        const slow = await claim(bench, channel, group, { leaseMs: 1_000 });
        const held = await slow.take(1);
        for (let round = 0; round < 6; round++) {
          await waited(300);
          await slow.claiming.extend(claimsOf(held));
        }
        await slow.settle(held);
        await slow.close();
        assert.deepEqual(await remaining(bench, channel, group), []);
      },
    },
    {
      name: 'a message that was given back is delivered again and says so, where deliveries are counted',
      needs: [mode],
      run: async (bench) => {
        const channel = await bench.filled([message('again')]);
        const group = groupFor(bench);
        const first = await claim(bench, channel, group);
        const [once] = await first.take(1);
        await first.close();
        const second = await claim(bench, channel, group);
        const [twice] = await second.take(1);
        const [before, after] = [once?.message.delivery.count, twice?.message.delivery.count];
        if (typeof before === 'number' && typeof after === 'number' && bench.traits('claim').releaseCounts)
          assert.equal(after, before + 1);
        if (typeof twice?.message.delivery.redelivered === 'boolean')
          assert.ok(twice.message.delivery.redelivered);
      },
    },
    {
      name: 'when the connection is cut, nothing is lost and nothing is said to be settled that is not',
      needs: [mode, hasNetwork, has('claim', 'settling at the system', ({ memory }) => memory !== 'machine')],
      run: async (bench) => {
        const channel = await bench.filled(numbered(10));
        const group = groupFor(bench);
        const { driver, proxy } = await bench.openThroughProxy();
        const leaseMs = bench.traits('claim').leaseMs === null ? null : 4_000;
        const taking = await bench.claiming(channel, { group, leaseMs }, bench.signal, driver);
        const taken = await taking.take(10);
        proxy.cut();
        const outcomes = await taking.claiming
          .settle(claimsOf(taken))
          .catch(() => taken.map(() => 'unknown'));
        assert.ok(!outcomes.includes('settled'), outcomes.join(' '));
        await taking.close().catch(() => undefined);
        proxy.heal();
        // A member of a group that vanished holds its messages until its session ends.
        const everything = async () =>
          assert.deepEqual(await remaining(bench, channel, group), textsOf(numbered(10)));
        await eventually(everything, 40_000);
      },
    },
  ];
}

function waited(ms: number): Promise<'none'> {
  return new Promise((resolve) => setTimeout(() => resolve('none'), ms));
}

async function* each(references: readonly MessageReference[]): AsyncGenerator<MessageReference> {
  yield* references;
}

async function publishEverywhere(
  bench: Workbench,
  channel: string,
  all: ReturnType<typeof numbered>,
): Promise<void> {
  const { partitionList } = await bench.driver.describe(channel, bench.signal);
  await bench.publish(
    channel,
    all.map((one, index) => ({
      ...one,
      partition: partitionList[index % partitionList.length]?.partition ?? null,
    })),
  );
}

/** Both take one by one and settle it, until all of them were seen. Fails where one is held twice. */
async function shareAll(count: number, ...takers: readonly Taking[]): Promise<string[]> {
  const seen: string[] = [];
  const done = new AbortController();
  const work = async (taking: Taking) => {
    while (seen.length < count) {
      const next = await Promise.race([taking.take(1), aborted(done.signal)]);
      if (next === null) return;
      const [outcome] = await taking.claiming.settle(claimsOf(next));
      // A claim that a rebalance took away comes again, to whoever holds its partition now.
      if (outcome !== 'lost') seen.push(...textsOf(messages(next)));
      if (seen.length >= count) done.abort();
    }
  };
  await Promise.all(takers.map(work));
  return seen;
}

function aborted(signal: AbortSignal): Promise<null> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve(null);
    signal.addEventListener('abort', () => resolve(null), { once: true });
  });
}
