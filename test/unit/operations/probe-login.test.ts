import assert from 'node:assert/strict';
import test from 'node:test';

import type { ChannelSummary, Driver } from '../../../src/lib/drivers/driver.ts';
import { DeniedError, FailedError, UnreachableError } from '../../../src/lib/errors.ts';
import { probeLogin } from '../../../src/lib/operations/probe-login.ts';

const channel: ChannelSummary = {
  channel: 'orders',
  type: 'topic',
  partitions: 1,
  messages: 0,
  approximate: false,
  consumers: null,
  bytes: null,
};

function driverWith(changes: Partial<Driver>): Driver {
  return {
    target: 'test:',
    async *channels() {
      yield channel;
    },
    describe: async () => assert.fail('described'),
    close: async () => undefined,
    ...changes,
  };
}

const { signal } = new AbortController();

test('says what this login may see, and what the system has not got', async () => {
  assert.deepEqual(await probeLogin(driverWith({}), signal), [
    { what: 'list channels', result: 'yes', detail: '1 channel' },
    { what: 'list groups', result: 'unsupported', detail: null },
    { what: 'read the cluster', result: 'unsupported', detail: null },
  ]);
});

test('what is denied is a no, what fails is a failure, and the rest is still asked', async () => {
  const results = await probeLogin(
    driverWith({
      groups: {
        list: async () => {
          throw new DeniedError('may not list groups');
        },
        describe: async () => assert.fail('described'),
        delete: async () => assert.fail('deleted'),
      },
      cluster: {
        status: async () => {
          throw new FailedError('no answer');
        },
      },
    }),
    signal,
  );
  assert.deepEqual(
    results.map(({ result, detail }) => [result, detail]),
    [
      ['yes', '1 channel'],
      ['no', 'may not list groups'],
      ['failed', 'no answer'],
    ],
  );
});

test('a connection that is lost ends it', async () => {
  const cluster = {
    status: async () => {
      throw new UnreachableError('gone');
    },
  };
  await assert.rejects(probeLogin(driverWith({ cluster }), signal), UnreachableError);
});
