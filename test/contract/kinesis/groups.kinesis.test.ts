/** Groups, which are places kept on this machine: the state folder, not Kinesis, remembers them. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { ClaimRequest, Driver } from '../../../src/lib/drivers/driver.ts';
import { MqctlError, NotFoundError } from '../../../src/lib/errors.ts';
import { without } from '../../brokers/needs.ts';
import { message, numbered, textsOf } from '../suite/messages.ts';
import { Taking } from '../suite/taking.ts';
import { end } from '../suite/workbench.ts';
import { kinesis } from './kinesis-driver.ts';

const skip = without('kinesis');

async function claim(
  driver: Driver,
  signal: AbortSignal,
  request: Partial<ClaimRequest> & { channel: string },
): Promise<Taking> {
  const claiming = await driver.claim?.open(
    { group: 'g', from: null, select: null, follow: false, window: 100, leaseMs: null, ...request },
    signal,
  );
  assert.ok(claiming !== undefined);
  return new Taking(claiming);
}

const codeIs = (code: string) => (error: unknown) => error instanceof MqctlError && error.code === code;

test(
  'a group that is read for is neither read for twice nor deleted; afterwards it is deleted, and begins anew',
  { skip },
  async (t) => {
    const at = await kinesis(t);
    const channel = await at.stream(1);
    await at.put(channel, numbered(4));
    const { groups } = at.driver;
    assert.ok(groups !== undefined);
    const first = await claim(at.driver, t.signal, { channel });
    await first.settle(await first.take(2));
    await assert.rejects(claim(await at.another(), t.signal, { channel }), codeIs('ACTIVE'));
    await assert.rejects(groups.delete('g', t.signal), codeIs('ACTIVE'));
    await first.close();
    const again = await claim(at.driver, t.signal, { channel });
    assert.equal((await again.rest()).length, 2);
    await again.close();
    await groups.delete('g', t.signal);
    await assert.rejects(groups.describe('g', t.signal), NotFoundError);
    const anew = await claim(at.driver, t.signal, { channel });
    assert.equal((await anew.rest()).length, 4);
    await anew.close();
  },
);

test(
  'a group that began at the end and settled nothing does not lose what came since, in any shard',
  { skip },
  async (t) => {
    const at = await kinesis(t);
    const channel = await at.stream(2);
    const shards = ['shardId-000000000000', 'shardId-000000000001'];
    const inEach = (text: string) =>
      shards.map((partition) => message(`${text} ${partition}`, { partition }));
    await at.put(channel, inEach('before'));
    // The time of the beginning is kept two seconds early: what is older than that is not read.
    await new Promise((resolve) => setTimeout(resolve, 2_500));
    const first = await claim(at.driver, t.signal, { channel, from: end });
    assert.deepEqual(await first.rest(), []);
    await first.close();
    await at.put(channel, inEach('after'));
    const second = await claim(at.driver, t.signal, { channel });
    const texts = textsOf((await second.rest()).map((one) => one.message));
    await second.close();
    assert.deepEqual(texts.sort(), textsOf(inEach('after')).sort());
  },
);
