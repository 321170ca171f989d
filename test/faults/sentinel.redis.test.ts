/** A failover by a sentinel in the middle of a redrive. */
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import test from 'node:test';
import { open } from '../../src/lib/drivers/redis/index.ts';
import { without } from '../brokers/needs.ts';
import { startRedis, startSentinel } from '../brokers/redis.ts';
import { eventually } from '../contract/suite/workbench.ts';
import { everything } from './redrive-kill.ts';
import { expected, produce, redrive, textOf } from './redis-redrive.ts';

const skip = without('redis');
const count = 1_000;
const { signal } = new AbortController();

for (const how of ['is killed', 'becomes the replica'] as const)
  test(
    `the primary ${how} in the middle of a redrive: what is left is moved at the new primary, and nothing is lost`,
    { skip },
    async (context) => {
      const primary = await startRedis();
      context.after(() => primary.stop());
      const { hostname, port } = new URL(primary.address);
      const replica = await startRedis({
        settings: [`replicaof ${hostname} ${port}`, 'repl-diskless-sync-delay 0'],
      });
      context.after(() => replica.stop());
      await eventually(async () =>
        assert.match(await replica.ask('INFO', 'replication'), /master_link_status:up/),
      );
      const sentinel = await startSentinel('shop', primary, [
        'sentinel down-after-milliseconds shop 500',
        'sentinel failover-timeout shop 3000',
      ]);
      context.after(() => sentinel.stop());
      await eventually(async () => assert.match(await sentinel.ask('SENTINEL', 'REPLICAS', 'shop'), /127/));

      const stateFolder = await mkdtemp(join(tmpdir(), 'mqctl-sentinel-'));
      const driver = await open(
        {
          url: `${sentinel.address}?sentinel=shop`,
          username: null,
          password: null,
          tls: null,
          sasl: null,
          managementUrl: null,
          addressMap: new Map(),
          settings: {},
        },
        { log: () => undefined, timeoutMs: 5_000, signal, stateFolder },
      );
      context.after(async () => {
        await driver.close();
        await rm(stateFolder, { recursive: true, force: true });
      });
      const at = { driver, stateFolder };
      const [dead, orders] = ['orders:dlq', 'orders'];
      for (const channel of [dead, orders])
        await driver.admin?.create(
          { channel, type: null, partitions: null, settings: {}, deadLetter: null },
          signal,
        );
      await produce(at, dead, 0, count);
      const failing: Promise<unknown>[] = [];
      const fail = (): void => {
        if (failing.length > 0) return;
        failing.push(how === 'is killed' ? primary.kill() : sentinel.ask('SENTINEL', 'FAILOVER', 'shop'));
      };
      const first = await redrive(at, dead, orders, null, fail, 300);
      await Promise.all(failing);
      context.diagnostic(`${String(first.report.moved)} moved, then: ${String(first.report.stoppedBy)}`);
      if (how === 'is killed')
        assert.match(String(first.report.stoppedBy), /cannot reach|was lost|no answer/);
      await eventually(async () => {
        assert.match(await replica.ask('INFO', 'replication'), /role:master/);
        await everything(driver, orders);
      }, 60_000);
      // A failover that is asked for may interrupt nothing: then there is nothing to go on with.
      const { report } = first.report.state === 'done' ? first : await redrive(at, dead, orders, first.job);
      // What the old primary did not hand on is as if it was never moved: it is dead still, and moved once more.
      const left = await everything(driver, dead);
      context.diagnostic(`${String(left.length)} were moved where nobody knows of it any more`);
      if (left.length > 0) await redrive(at, dead, orders, null);
      const arrived = (await everything(driver, orders)).map(textOf);
      assert.deepEqual(
        [...new Set(arrived)].toSorted((one, other) => Number(one) - Number(other)),
        expected(count),
      );
      assert.equal(report.inDoubt, 0);
      assert.equal(arrived.length, count, 'each once: a move is in one step, at the replica, too');
    },
  );
