/** Opening, closing, and what every driver has whatever its facets. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { ChannelSummary, Driver, FacetName } from '../../../../src/lib/drivers/driver.ts';
import { NotFoundError, UnreachableError } from '../../../../src/lib/errors.ts';
import type { Section } from '../contract-case.ts';
import { has, hasLogin } from '../contract-case.ts';
import { numbered } from '../messages.ts';

const run = promisify(execFile);

export const connection: Section = {
  title: 'connection',
  cases: [
    {
      name: 'what is declared is implemented, and nothing else',
      needs: [],
      run: async ({ driver, column }) => {
        const facets: readonly (FacetName & keyof Driver)[] = [
          'publish',
          'requests',
          'look',
          'claim',
          'backlog',
          'groups',
          'positions',
          'deadLetters',
          'serverMove',
          'atomicMove',
          'lease',
          'admin',
          'cluster',
        ];
        const declared = column.system.declaration.facets;
        for (const facet of facets)
          assert.equal(
            driver[facet] !== undefined,
            declared[facet] !== undefined,
            `${facet}: declared and implemented`,
          );
      },
    },
    {
      name: 'a process that has used it ends by itself after close',
      needs: [],
      run: async ({ column }) => {
        const script = join(import.meta.dirname, '../one-run.ts');
        const { stdout } = await run(process.execPath, [script, column.system.name, column.channel.type], {
          timeout: 50_000,
        });
        assert.equal(stdout, 'closed\n');
      },
    },
    {
      name: 'close can be called again',
      needs: [],
      run: async (bench) => {
        const driver = await bench.open();
        await driver.close();
        await driver.close();
      },
    },
    {
      name: 'an address where nothing answers is unreachable',
      needs: [],
      run: async (bench) => {
        await assert.rejects(
          openAndAsk(() => bench.open(bench.column.system.unreachable(), 2_000)),
          UnreachableError,
        );
      },
    },
    {
      name: 'a wrong login is unreachable, and the error holds no password',
      needs: [hasLogin],
      run: async (bench) => {
        const connection = bench.column.system.wrongLogin?.();
        assert.ok(connection !== undefined && connection.password !== null);
        const { password } = connection;
        await assert.rejects(
          openAndAsk(() => bench.open(connection, 5_000)),
          (error: unknown) => {
            assert.ok(error instanceof UnreachableError, String(error));
            assert.ok(
              !`${error.message} ${error.hint} ${String(error.stack)}`.includes(password),
              'the password shows',
            );
            return true;
          },
        );
      },
    },
    {
      name: 'the target has neither user nor password',
      needs: [],
      run: async ({ driver, column }) => {
        const { password, username } = column.system.connection();
        assert.notEqual(driver.target, '');
        for (const secret of [password, username])
          if (secret !== null)
            assert.ok(!driver.target.includes(`${secret}@`) && !driver.target.includes(`:${secret}`));
      },
    },
    {
      name: 'a channel is listed with its type, and by a glob over names',
      needs: [has('admin')],
      run: async (bench) => {
        const channel = await bench.channel();
        const other = await bench.channel();
        const found = await list(bench.driver, `${channel.slice(0, -2)}*`, bench.signal);
        assert.deepEqual(
          found.map(({ channel, type }) => ({ channel, type })),
          [{ channel, type: bench.column.channel.type }],
        );
        const { listedByPattern = false } = bench.column.channel;
        const names = (await list(bench.driver, null, bench.signal)).map((one) => one.channel);
        for (const made of [channel, other])
          assert.equal(names.includes(made), !listedByPattern, names.join(' '));
        assert.deepEqual(await list(bench.driver, bench.name(), bench.signal), []);
      },
    },
    {
      name: 'a channel is described with its type and partitions',
      needs: [has('admin')],
      run: async (bench) => {
        const channel = await bench.filled(numbered(3));
        const description = await bench.driver.describe(channel, bench.signal);
        assert.equal(description.channel, channel);
        assert.equal(description.type, bench.column.channel.type);
        if (description.partitions !== null)
          assert.equal(description.partitionList.length, description.partitions);
      },
    },
    {
      name: 'a channel that is not there is not found, and is not made by asking',
      needs: [],
      run: async (bench) => {
        const channel = bench.name('missing');
        const { driver, signal, column } = bench;
        const asked: (Promise<unknown> | undefined)[] = [
          driver.describe(channel, signal),
          column.facets.publish === undefined ? undefined : bench.publisher(channel),
          column.facets.look === undefined ? undefined : bench.read(channel, { limit: 1 }),
          driver.look?.appraise(channel, signal),
          column.facets.claim === undefined
            ? undefined
            : bench.claiming(channel).then((taking) => taking.rest()),
          driver.backlog?.read({ groups: null, channels: [channel] }, signal),
          driver.admin?.delete(channel, signal),
          driver.admin?.purge(channel, signal),
        ];
        const names = 'describe publish look appraise claim backlog delete purge'.split(' ');
        const outcomes = await Promise.allSettled(
          asked.map((promise) => promise ?? Promise.reject(notThere)),
        );
        const wrong = outcomes.flatMap((outcome, index) =>
          outcome.status === 'rejected' && outcome.reason instanceof NotFoundError
            ? []
            : [`${names[index]}: ${outcome.status === 'rejected' ? String(outcome.reason) : 'answered'}`],
        );
        assert.deepEqual(wrong, []);
        assert.deepEqual(await list(driver, channel, signal), []);
      },
    },
    {
      name: 'the state of the cluster names its version and a node that runs',
      needs: [has('cluster')],
      run: async (bench) => {
        const status = await bench.facet('cluster').status(bench.signal);
        assert.notEqual(status.system, '');
        assert.ok(
          status.nodes.some(({ running }) => running),
          JSON.stringify(status),
        );
        assert.ok(status.version !== null || status.unknown.length > 0, 'the version, or why it is unknown');
      },
    },
  ],
};

/** Stands for what a driver has not got: it is not asked. */
const notThere = new NotFoundError('facet', 'absent', 'this system');

/** A driver may connect when it is opened or when it is first asked. */
async function openAndAsk(open: () => Promise<Driver>): Promise<void> {
  const driver = await open();
  await driver.describe('orders', AbortSignal.timeout(30_000));
}

async function list(driver: Driver, match: string | null, signal: AbortSignal): Promise<ChannelSummary[]> {
  const found: ChannelSummary[] = [];
  for await (const summary of driver.channels({ match, internal: false }, signal)) found.push(summary);
  return found;
}
