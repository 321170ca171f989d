/** What tests of the Kinesis driver itself share: a driver, streams that are deleted again, and resharding. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import type { Driver, Outcome } from '../../../src/lib/drivers/driver.ts';
import { open } from '../../../src/lib/drivers/kinesis/index.ts';
import type { OutgoingMessage } from '../../../src/lib/message/message.ts';
import { addressOf } from '../../brokers/needs.ts';
import { kinesisAt } from '../systems/kinesis.ts';

export interface Kinesis {
  readonly driver: Driver;
  /** Another one with the same state folder. */
  readonly another: (endpoint?: string) => Promise<Driver>;
  readonly stream: (partitions: number) => Promise<string>;
  readonly put: (
    stream: string,
    messages: readonly OutgoingMessage[],
    driver?: Driver,
  ) => Promise<readonly Outcome[]>;
  /** Splits or merges, until the stream is active again. `body` as AWS takes it. */
  readonly reshard: (operation: 'SplitShard' | 'MergeShards', stream: string, body: object) => Promise<void>;
}

export async function kinesis(t: TestContext): Promise<Kinesis> {
  const stateFolder = await mkdtemp(join(tmpdir(), 'mqctl-kinesis-test-'));
  t.after(() => rm(stateFolder, { recursive: true, force: true }));
  const emulator = addressOf('kinesis');
  const another = async (endpoint = emulator): Promise<Driver> => {
    const driver = await open(kinesisAt(endpoint), {
      log: () => undefined,
      timeoutMs: 10_000,
      signal: t.signal,
      stateFolder,
    });
    t.after(() => driver.close());
    return driver;
  };
  const driver = await another();
  const { admin, publish } = driver;
  assert.ok(admin !== undefined && publish !== undefined);
  return {
    driver,
    another,
    stream: async (partitions) => {
      const channel = `test-${randomUUID()}`;
      await admin.create({ channel, type: null, partitions, settings: {}, deadLetter: null }, t.signal);
      t.after(() => admin.delete(channel, AbortSignal.timeout(10_000)).catch(() => undefined));
      return channel;
    },
    put: async (channel, messages, by = driver) => {
      const publisher = await by.publish?.open(
        { channel, delivery: 'at-least-once', compression: null },
        t.signal,
      );
      assert.ok(publisher !== undefined);
      const outcomes = await publisher.send(messages);
      await publisher.close();
      return outcomes;
    },
    reshard: async (operation, StreamName, body) => {
      const answer = await fetch(emulator, {
        method: 'POST',
        headers: {
          'content-type': 'application/x-amz-json-1.1',
          'x-amz-target': `Kinesis_20131202.${operation}`,
          authorization:
            'AWS4-HMAC-SHA256 Credential=test/20260101/eu-west-1/kinesis/aws4_request, SignedHeaders=host, Signature=0',
          'x-amz-date': '20260101T000000Z',
        },
        body: JSON.stringify({ StreamName, ...body }),
      });
      assert.equal(answer.status, 200, await answer.text());
      for (;;) {
        const { settings } = await driver.describe(StreamName, t.signal);
        if (settings['StreamStatus'] === 'ACTIVE') return;
      }
    },
  };
}
