/** Streams that are deleted between being listed and being asked about. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { tmpdir } from 'node:os';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { AckPolicy } from '@nats-io/jetstream';
import type { JetStreamManager } from '@nats-io/jetstream';
import { capturedConsumers, capturedSubjects } from '../../../src/lib/drivers/nats/advisories.ts';
import { listChannels } from '../../../src/lib/drivers/nats/channels.ts';
import { allConsumers } from '../../../src/lib/drivers/nats/consumers.ts';
import { Session } from '../../../src/lib/drivers/nats/session.ts';
import { without } from '../../brokers/needs.ts';
import { system } from '../systems/nats.ts';

const skip = without('nats');
const { signal } = new AbortController();

/** Somebody deletes the stream as soon as the streams were listed. */
class DeletingSession extends Session {
  doomed: string | null = null;

  override async ask<T>(
    about: string,
    question: (manager: JetStreamManager) => Promise<T>,
    within: AbortSignal,
  ): Promise<T> {
    const answer = await super.ask(about, question, within);
    const { doomed } = this;
    if (about === 'the streams' && doomed !== null) {
      this.doomed = null;
      await super.ask('a stream', ({ streams }) => streams.delete(doomed), within);
    }
    return answer;
  }
}

async function opened(
  context: TestContext,
): Promise<{ session: DeletingSession; doomed: string; kept: string }> {
  const environment = { log: () => undefined, timeoutMs: 10_000, signal, stateFolder: tmpdir() };
  const session = new DeletingSession(system.connection(), environment);
  const name = `vanishing-${randomUUID()}`;
  const [doomed, kept] = [`${name}-a`, `${name}-b`];
  context.after(async () => {
    await session.ask('a stream', ({ streams }) => streams.delete(kept), signal);
    await session.close();
  });
  for (const stream of [doomed, kept])
    await session.ask(
      'a stream',
      async ({ streams, consumers }) => {
        await streams.add({ name: stream, subjects: [`${stream}.>`] });
        await consumers.add(stream, { durable_name: 'billing', ack_policy: AckPolicy.Explicit });
      },
      signal,
    );
  return { session, doomed, kept };
}

test('a stream that is deleted while channels are listed is left out', { skip }, async (context) => {
  const { session, doomed, kept } = await opened(context);
  session.doomed = doomed;
  const match = `${kept.slice(0, -1)}*`;
  const listed = await Array.fromAsync(listChannels(session, { match, internal: false }, signal));
  assert.deepEqual(
    listed.map(({ channel, consumers }) => [channel, consumers]),
    [[kept, 1]],
  );
});

test('so are its consumers while groups are listed', { skip }, async (context) => {
  const { session, doomed, kept } = await opened(context);
  session.doomed = doomed;
  const streams = (await allConsumers(session, signal)).map(({ consumer }) => consumer.stream_name);
  assert.deepEqual([streams.includes(doomed), streams.includes(kept)], [false, true]);
});

test('and what it captured of others while dead letters are listed', { skip }, async (context) => {
  const { session, doomed } = await opened(context);
  const info = await session.ask('a stream', ({ streams }) => streams.info(doomed), signal);
  await session.ask('a stream', ({ streams }) => streams.delete(doomed), signal);
  const capturing = { ...info, config: { ...info.config, subjects: [...capturedSubjects] } };
  assert.deepEqual(await capturedConsumers(session, capturing, signal), []);
});
