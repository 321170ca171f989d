/**
 * Redriving all of a dead-letter channel, whole processes with plan, journal and report, against the tool that one would
 * take instead: between quorum queues the shovel, which runs within the broker, and between topics a plain loop of consuming
 * and producing. Between queues such a loop with amqplib is measured, too: no client of that library can be faster.
 *
 *     npm run build && node bench/redrive.ts [MESSAGES] [RUNS]
 */
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { connect } from 'amqplib';
import { Kafka, logLevel } from 'kafkajs';
import type { Driver } from '../src/lib/drivers/driver.ts';
import type { OutgoingMessage } from '../src/lib/message/message.ts';
import { open as openKafka } from '../src/lib/drivers/kafka/index.ts';
import { open as openRabbitmq } from '../src/lib/drivers/rabbitmq/index.ts';
import { startKafka } from '../test/brokers/kafka.ts';
import { startRabbitmq } from '../test/brokers/rabbitmq.ts';
import { connectionTo, ManagementServer } from '../test/contract/rabbitmq/rabbitmq-server.ts';
import { plainConnection } from '../test/contract/kafka/kafka-session.ts';
import { runBench, type Bench } from './harness/bench.ts';
import { median } from './harness/comparison.ts';
import { mqctl, run } from './harness/whole-process.ts';

const count = Number(process.argv[2] ?? 100_000);
const runs = Number(process.argv[3] ?? 5);
const bytes = 100;
const atOnce = 5_000;
const tools = ['theirs', 'ours', 'moving'] as const;
/** As the shovel's own default. */
const inFlight = 1_000;

await runBench(betweenQueues, betweenTopics);

async function betweenQueues(bench: Bench): Promise<void> {
  const { signal } = bench;
  const broker = await bench.broker(() => startRabbitmq());
  const folder = await bench.folder();
  const driver = await bench.own(
    () => openRabbitmq(connectionTo(broker.address), environmentIn(folder, signal)),
    (opened) => opened.close(),
  );
  const server = new ManagementServer(broker.environment['MQCTL_TEST_RABBITMQ_MANAGEMENT'] ?? '');
  const times = {
    theirs: [] as number[],
    plain: [] as number[],
    ours: [] as number[],
    moving: [] as number[],
  };
  const between = [...tools, 'plain'] as const;
  for (let round = 0; round < runs; round += 1) {
    for (const tool of round % 2 === 0 ? between : between.toReversed()) {
      const [from, to] = await newChannels(driver, `${tool}-${round.toString()}`, 'quorum', signal, {
        'x-delivery-limit': '-1',
      });
      const plainly = {
        theirs: () => shovelled(server, driver, from, to, signal),
        plain: () => forwarded(broker.address, from, to),
      };
      times[tool].push(
        tool === 'theirs' || tool === 'plain'
          ? await plainly[tool]()
          : await redriven(bench, folder, broker.address, from, to, tool === 'moving'),
      );
      await arrived(driver, to, signal);
      for (const queue of [from, to]) await driver.admin?.delete(queue, signal);
    }
  }
  tell('RabbitMQ, quorum queues', [
    ['shovel', times.theirs],
    ['a plain loop with amqplib', times.plain],
    ['mqctl dlq redrive, plan and all', times.ours],
    ['mqctl dlq redrive --apply', times.moving],
  ]);
}

async function betweenTopics(bench: Bench): Promise<void> {
  const { signal } = bench;
  const broker = await bench.broker(() => startKafka());
  const folder = await bench.folder();
  const driver = await bench.own(
    () => openKafka(plainConnection(broker.address), environmentIn(folder, signal)),
    (opened) => opened.close(),
  );
  const times = { theirs: [] as number[], ours: [] as number[], moving: [] as number[] };
  for (let round = 0; round < runs; round += 1) {
    for (const tool of round % 2 === 0 ? tools : tools.toReversed()) {
      const [from, to] = await newChannels(driver, `${tool}-${round.toString()}`, null, signal, {});
      times[tool].push(
        tool === 'theirs'
          ? await looped(broker.address, from, to)
          : await redriven(bench, folder, `kafka://${broker.address}`, from, to, tool === 'moving'),
      );
    }
  }
  tell('Kafka', [
    ['consume-produce loop', times.theirs],
    ['mqctl dlq redrive, plan and all', times.ours],
    ['mqctl dlq redrive --apply', times.moving],
  ]);
}

function environmentIn(stateFolder: string, signal: AbortSignal) {
  return { log: () => undefined, timeoutMs: 60_000, signal, stateFolder };
}

async function newChannels(
  driver: Driver,
  name: string,
  type: string | null,
  signal: AbortSignal,
  settings: Readonly<Record<string, string>>,
): Promise<readonly [string, string]> {
  const [from, to] = [`${name}.dlq`, name];
  for (const [channel, own] of [
    [from, settings],
    [to, {}],
  ] as const)
    await driver.admin?.create({ channel, type, partitions: null, settings: own, deadLetter: null }, signal);
  const publisher = await driver.publish?.open(
    { channel: from, delivery: 'at-least-once', compression: null },
    signal,
  );
  for (let sent = 0; sent < count; sent += atOnce) {
    const batch = Array.from({ length: Math.min(atOnce, count - sent) }, (_, at): OutgoingMessage => ({
      key: null,
      value: Buffer.from((sent + at).toString().padEnd(bytes, 'x')),
      headers: [],
      properties: {},
      partition: null,
      timestamp: null,
    }));
    await publisher?.send(batch);
  }
  await publisher?.close();
  return [from, to];
}

/** Until all of them are there; milliseconds. */
async function arrived(driver: Driver, to: string, signal: AbortSignal): Promise<void> {
  while (((await driver.look?.appraise(to, signal))?.waiting ?? 0) < count)
    await sleep(20, undefined, { signal });
}

async function shovelled(
  server: ManagementServer,
  driver: Driver,
  from: string,
  to: string,
  signal: AbortSignal,
): Promise<number> {
  const start = performance.now();
  await server.send('PUT', `parameters/shovel/%2F/${from}`, {
    value: {
      'src-protocol': 'amqp091',
      'src-uri': 'amqp://',
      'src-queue': from,
      'src-delete-after': 'queue-length',
      'dest-protocol': 'amqp091',
      'dest-uri': 'amqp://',
      'dest-queue': to,
      'ack-mode': 'on-confirm',
    },
  });
  await arrived(driver, to, signal);
  return (performance.now() - start) / 1_000;
}

/** Seconds from connecting to the last acknowledgement: each is published as it is, and acknowledged when that is confirmed. */
async function forwarded(address: string, from: string, to: string): Promise<number> {
  const start = performance.now();
  const connections = [await connect(address), await connect(address)] as const;
  const incoming = await connections[0].createChannel();
  const outgoing = await connections[1].createConfirmChannel();
  await incoming.prefetch(inFlight);
  const done = Promise.withResolvers<void>();
  let moved = 0;
  await incoming.consume(from, (message) => {
    if (message === null) return;
    outgoing.publish(
      '',
      to,
      message.content,
      { ...message.properties, mandatory: true },
      (error: unknown) => {
        if (error instanceof Error) return done.reject(error);
        incoming.ack(message);
        moved += 1;
        if (moved === count) done.resolve();
      },
    );
  });
  await done.promise;
  await Promise.all(connections.map((connection) => connection.close()));
  return (performance.now() - start) / 1_000;
}

/** Seconds; `moving`: a plan that was made before. */
async function redriven(
  bench: Bench,
  folder: string,
  context: string,
  from: string,
  to: string,
  moving: boolean,
): Promise<number> {
  const common = ['dlq', 'redrive', from, '-c', context];
  const pace = ['--yes', '--rate', 'max', '--no-canary', '--in-flight', inFlight.toString()];
  const plan = join(folder, `${from}.plan`);
  if (moving) await run(bench, mqctl(...common, '--all', '--to', to, '--plan', plan), { folder });
  const what = moving ? ['--apply', plan] : ['--all', '--to', to];
  return (await run(bench, mqctl(...common, ...what, ...pace), { folder })).seconds;
}

/** Seconds from joining to the last answer, as one writes it without a second thought: at least once, a batch at a time. */
async function looped(address: string, from: string, to: string): Promise<number> {
  const kafka = new Kafka({ brokers: [address], logLevel: logLevel.NOTHING });
  const [consumer, producer] = [kafka.consumer({ groupId: `loop-${from}` }), kafka.producer()];
  const start = performance.now();
  await Promise.all([consumer.connect(), producer.connect()]);
  await consumer.subscribe({ topic: from, fromBeginning: true });
  let moved = 0;
  await new Promise<void>((resolve, reject) => {
    consumer.on('consumer.crash', ({ payload }) => {
      if (!payload.restart) reject(payload.error); // a new broker says at first that it is not ready
    });
    void consumer.run({
      eachBatch: async ({ batch }) => {
        const messages = batch.messages.map(({ key, value, headers }) => ({
          key,
          value,
          ...(headers && { headers }),
        }));
        await producer.send({ topic: to, messages });
        moved += messages.length;
        if (moved >= count) resolve();
      },
    });
  });
  const seconds = (performance.now() - start) / 1_000;
  await Promise.all([consumer.disconnect(), producer.disconnect()]);
  return seconds;
}

/** The first is what the others are compared with. */
function tell(what: string, all: readonly (readonly [name: string, times: readonly number[]])[]): void {
  const theirs = median(all[0]?.[1] ?? []);
  console.log(`${what}, ${count.toString()} × ${bytes.toString()} B, median of ${runs.toString()}`);
  for (const [name, times] of all)
    console.log(
      `  ${name.padEnd(34)} ${median(times).toFixed(2)} s  ${(median(times) / theirs).toFixed(2)} of its time`,
    );
}
