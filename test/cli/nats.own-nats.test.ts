/** The command line at NATS servers of its own: dead letters from nothing to redriven, and what a login that fails says. */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { AckPolicy, jetstream, jetstreamManager } from '@nats-io/jetstream';
import { connect, headers, nanos } from '@nats-io/transport-node';
import { meansToRun, startNats } from '../brokers/nats.ts';
import type { NatsOptions } from '../brokers/nats.ts';
import { certificateFiles, makeCertificates } from '../brokers/test-certificates.ts';
import { mqctl } from './run-mqctl.ts';
import { workplace } from './workplace.ts';

const means = await meansToRun();
const skip = means.able ? false : `${means.reason}: ${means.remedy}`;

async function server(t: TestContext, options: NatsOptions = {}): Promise<string> {
  const broker = await startNats(options);
  t.after(() => broker.stop());
  return broker.address;
}

/** Two consumers; `billing` gives up "poison" after two deliveries, terminates "broken", and acknowledges the rest. */
async function giveUp(t: TestContext, address: string): Promise<void> {
  const connection = await connect({ servers: new URL(address).host });
  t.after(() => connection.close());
  const manager = await jetstreamManager(connection);
  const client = jetstream(connection);
  const explicit = { ack_policy: AckPolicy.Explicit };
  await manager.consumers.add('ORDERS', {
    ...explicit,
    durable_name: 'billing',
    max_deliver: 2,
    ack_wait: nanos(60_000),
  });
  await manager.consumers.add('ORDERS', { ...explicit, durable_name: 'audit' });
  await manager.consumers.add('ORDERS', {
    ...explicit,
    durable_name: 'returns',
    filter_subject: 'orders.returned.>',
  });
  for (const [subject, text] of [
    ['orders.new', 'poison'],
    ['orders.eu', 'broken'],
    ['orders.new', 'good'],
  ] as const)
    await client.publish(subject, text, { msgID: text });
  const consumer = await client.consumers.get('ORDERS', 'billing');
  for (let left = 4; left > 0; left--) {
    const message = await consumer.next({ expires: 30_000 });
    assert.ok(message !== null, 'it is delivered');
    if (message.string() === 'poison') message.nak();
    else if (message.string() === 'broken') message.term('no total');
    else message.ack();
  }
  // It is asked for once more: then the server sees that its deliveries are over.
  assert.equal(await consumer.next({ expires: 1_000 }), null);
}

test(
  'a message that ran out of deliveries is found, explained and redriven, others named first',
  { skip },
  async (t) => {
    const address = await server(t);
    const { run, done } = await workplace(t, address);
    await done(['create', 'ORDERS', '--setting', 'subjects=orders.>']);

    const shown = await done(['dlq', 'watch', '--install', '--dry-run']);
    assert.match(shown.stderr, /MQCTL_DEAD_LETTERS[^]*MAX_DELIVERIES[^]*MSG_TERMINATED/);
    const unasked = await run(['dlq', 'watch', '--install']);
    assert.equal(unasked.code, 2);
    assert.doesNotMatch((await done(['ls', '--internal'])).stdout.toString(), /MQCTL_DEAD_LETTERS/);
    await done(['dlq', 'watch', '--install', '--yes']);
    assert.match((await done(['dlq', 'watch', '--install', '--yes'])).stderr, /already/);

    await giveUp(t, address);
    const channel = 'ORDERS/billing/dead';
    const found = await done(['dlq', 'ls', '-o', 'json']);
    assert.match(found.stdout.toString(), /"ORDERS\/billing\/dead"/);
    const lines = (await done(['dlq', 'inspect', channel, '-o', 'ndjson'])).stdout
      .toString()
      .trim()
      .split('\n');
    const letters: unknown[] = lines.map((line) => JSON.parse(line) as unknown);
    const said = JSON.stringify(letters);
    assert.equal(letters.length, 2);
    assert.match(said, /"reason":"max deliveries"[^]*"attempts":2|"attempts":2[^]*"reason":"max deliveries"/);
    assert.match(said, /"message":"no total"/);
    assert.match(said, /"consumer":"billing"/);

    const refused = await run(['dlq', 'redrive', channel, '--all', '--yes']);
    assert.equal(refused.code, 2);
    assert.match(refused.stderr, /others would receive[^]*audit/);
    assert.doesNotMatch(refused.stderr, /returns/, 'it reads other subjects');
    const moved = await done([
      'dlq',
      'redrive',
      channel,
      '--all',
      '--yes',
      '--fan-out',
      '--no-canary',
      '-o',
      'json',
    ]);
    assert.match(moved.stdout.toString(), /"moved": ?2/);
    const values = async () =>
      (await done(['consume', 'ORDERS', '-o', 'value'])).stdout.toString().trim().split('\n').sort();
    // Within the window in which the stream drops what has the same message id: they are there all the same.
    assert.deepEqual(await values(), ['broken', 'broken', 'good', 'poison', 'poison']);
    assert.deepEqual((await done(['dlq', 'inspect', channel, '-o', 'ndjson'])).stdout.toString(), '');
  },
);

test(
  '--delete-original deletes what the dead letter stands for, and is refused where it stands for itself',
  { skip },
  async (t) => {
    const address = await server(t);
    const { folder, done } = await workplace(t, address);
    await done(['create', 'ORDERS', '--setting', 'subjects=orders.>']);
    await done(['dlq', 'watch', '--install', '--yes']);
    await giveUp(t, address);
    const words = ['dlq', 'redrive', 'ORDERS/billing/dead', '--all', '--yes', '--fan-out', '--no-canary'];
    const moved = await done([...words, '--delete-original']);
    assert.match(moved.stderr, /the originals are deleted, too/);
    const values = (await done(['consume', 'ORDERS', '-o', 'value'])).stdout
      .toString()
      .trim()
      .split('\n')
      .sort();
    assert.deepEqual(values, ['broken', 'good', 'poison']);
    const elsewhere = await mqctl([...words, '--delete-original', '-c', 'local:other.db'], { folder });
    assert.equal(elsewhere.code, 5, elsewhere.stderr);
  },
);

test(
  'a subject that no stream captures is an error, but for core NATS, which says at most once',
  { skip },
  async (t) => {
    const { run, done } = await workplace(t, await server(t));
    const refused = await run(['produce', 'nobody.captures.it', '--value', 'x']);
    assert.equal(refused.code, 1);
    assert.match(refused.stderr, /no stream "nobody\.captures\.it"/);
    assert.doesNotMatch(refused.stderr, /not enabled/);
    const words = ['produce', 'nobody.captures.it', '--value', 'x', '--delivery', 'at-most-once'];
    assert.match((await done(words)).stderr, /at most once: nothing says whether/);
  },
);

test('a login or a server that fails is one line, exit 4, without the secret', { skip }, async (t) => {
  const folder = await mkdtemp(join(tmpdir(), 'mqctl-nats-tls-'));
  t.after(() => rm(folder, { recursive: true, force: true }));
  await makeCertificates(folder);
  const path = (name: keyof typeof certificateFiles) => JSON.stringify(join(folder, certificateFiles[name]));
  const secure = await server(t, {
    configuration: `tls { cert_file: ${path('serverCertificate')}, key_file: ${path('serverKey')} }`,
  });
  const login = await server(t, { configuration: 'authorization { user: me, password: right-secret }' });
  const { folder: scratch } = await workplace(t, login);
  const at = (address: string) => new URL(address).host;
  const cases: readonly (readonly [address: string, says: RegExp])[] = [
    ['nats://127.0.0.1:1', /cannot reach NATS .*connection refused/],
    ['nats://no-such-host.invalid:4222', /cannot reach NATS .*(no such host|cannot be looked up)/],
    [`nats://me:wrong-secret@${at(login)}`, /refused user "me"/],
    [`nats+tls://${at(secure)}`, /certificate .* is not trusted/],
    [`nats+tls://me:right-secret@${at(login)}`, /has no TLS/],
  ];
  for (const [address, says] of cases) {
    const { code, stderr } = await mqctl(['ls', '-c', address], { folder: scratch });
    assert.equal(code, 4, `${address}: ${stderr}`);
    assert.match(stderr, says);
    assert.equal(stderr.trim().split('\n').length, 1, stderr);
    assert.doesNotMatch(stderr, /-secret/);
  }
});

test('a server without JetStream says so', { skip }, async (t) => {
  const { run } = await workplace(t, await server(t, { jetstream: false }));
  const { code, stderr } = await run(['ls']);
  assert.equal(code, 1);
  assert.match(stderr, /JetStream does not answer[^]*turn it on/);
});

test('what a stream had already by its message id is told, and is there once', { skip }, async (t) => {
  const { done, channel } = await workplace(t, await server(t));
  const stream = await channel();
  const words = ['produce', stream, '--value', 'x', '--property', 'messageId=one'];
  assert.doesNotMatch((await done(words)).stderr, /suppressed/);
  assert.match((await done(words)).stderr, /1 of them were suppressed as duplicates/);
  assert.equal((await done(['consume', stream, '-o', 'value'])).stdout.toString(), 'x\n');
});

test('a purge makes no dead letters of what it takes away', { skip }, async (t) => {
  const { done } = await workplace(t, await server(t));
  await done(['dlq', 'watch', '--install', '--yes']);
  await done(['create', 'ORDERS', '--setting', 'subjects=orders']);
  await done(['produce', 'ORDERS'], 'a\nb\nc\n');
  assert.match((await done(['purge', 'ORDERS', '--yes'])).stderr, /removed 3/);
  const captured = await done(['consume', 'MQCTL_DEAD_LETTERS', '-o', 'value']);
  assert.equal(captured.stdout.toString(), '', 'what is captured has room for so much');
});

test('a request is answered by whoever listens: one reply, or all that come', { skip }, async (t) => {
  const address = await server(t, { jetstream: false });
  const { folder, run, done } = await workplace(t, address);
  const services = await connect({ servers: new URL(address).host });
  t.after(() => services.close());
  for (const name of ['a', 'b', 'c'])
    services.subscribe('prices.get', {
      callback: (_error, message) => void message.respond(`${name} ${message.string()}`),
    });
  services.subscribe('broken', {
    callback: (_error, message) => {
      const said = headers();
      said.set('Nats-Service-Error-Code', '404');
      said.set('Nats-Service-Error', 'no such price');
      message.respond('', { headers: said });
    },
  });
  services.subscribe('silent', { callback: () => undefined });
  await services.flush();

  const one = await done(['produce', 'prices.get', '--request', '--value', 'EUR']);
  assert.match(one.stdout.toString(), /^[abc] EUR\n$/);
  assert.match(one.stderr, /at most once/);
  const all = await done(
    ['produce', 'prices.get', '--request', '--replies', '0', '-o', 'ndjson'],
    'EUR\nUSD\n',
  );
  const values = all.stdout
    .toString()
    .trim()
    .split('\n')
    .map((line) => /"value":"(.*?)"/.exec(line)?.[1]);
  assert.deepEqual(values.toSorted(), ['a EUR', 'a USD', 'b EUR', 'b USD', 'c EUR', 'c USD']);

  const nobody = await run(['produce', 'nobody.listens', '--request', '--value', 'x', '-o', 'json']);
  assert.equal(nobody.code, 1);
  assert.match(nobody.stderr, /"code":"NO_RESPONDERS".*nobody listens on/);
  const silent = await run(['produce', 'silent', '--request', '--value', 'x', '--timeout', '300ms']);
  assert.equal(silent.code, 1);
  assert.match(silent.stderr, /no reply from "silent" within 300 ms; somebody listens/);
  const broken = await run(['produce', 'broken', '--request', '--value', 'x']);
  assert.equal(broken.code, 1);
  assert.match(broken.stderr, /answered with an error: 404 no such price/);
  const elsewhere = await mqctl(['produce', 'x', '--request', '--value', 'x', '-c', 'local:x.db'], {
    folder,
  });
  assert.equal(elsewhere.code, 5, elsewhere.stderr);
});

test(
  'what this login may not publish is refused with core NATS, too; a stream that stores requests is named',
  { skip },
  async (t) => {
    const address = await server(t, {
      login: { user: 'me', password: 'secret' },
      configuration:
        'authorization { users: [ { user: me, password: secret, permissions: { publish: { deny: ["closed.>"] } } } ] }',
    });
    const { run, done } = await workplace(t, address);
    const sent = await run(['produce', 'closed.door', '--value', 'x', '--delivery', 'at-most-once']);
    assert.equal(sent.code, 1, sent.stderr);
    assert.match(sent.stderr, /this login may not publish to "closed\.door"/);
    const asked = await run(['produce', 'closed.door', '--request', '--value', 'x']);
    assert.equal(asked.code, 1);
    assert.match(asked.stderr, /it was not sent: this login may not publish to "closed\.door"/);
    await done(['create', 'ORDERS', '--setting', 'subjects=orders.>']);
    const stored = await done(['produce', 'orders.new', '--request', '--value', 'x']);
    assert.match(stored.stderr, /the stream "ORDERS" captures "orders\.new": it stores each request/);
  },
);

test(
  'how fast messages come into a stream that nobody reads is known from the third look on',
  { skip },
  async (t) => {
    const { run, done, channel } = await workplace(t, await server(t));
    const stream = await channel();
    const look = async () => {
      await done(['produce', stream, '--value', 'x']);
      return (await run(['check', stream, '--only', 'publish-rate', '-o', 'json'])).stdout.toString();
    };
    assert.match(await look(), /too few earlier looks/);
    let said = await look();
    // Looks that are very near to each other count as one: so it takes a while, however fast they are.
    const latest = Date.now() + 60_000;
    while (!said.includes('messages a second, before') && Date.now() < latest) said = await look();
    assert.match(said, /messages a second, before/);
  },
);

test(
  "a command that works for longer than the consumer's own time has its messages once, those that wait behind it too",
  { skip },
  async (t) => {
    const address = await server(t);
    const { folder, done } = await workplace(t, address);
    await done(['create', 'ORDERS', '--setting', 'subjects=orders.>']);
    const connection = await connect({ servers: new URL(address).host });
    t.after(() => connection.close());
    const manager = await jetstreamManager(connection);
    await manager.consumers.add('ORDERS', {
      durable_name: 'billing',
      ack_policy: AckPolicy.Explicit,
      ack_wait: nanos(1_000),
    });
    for (const text of ['one', 'two']) await jetstream(connection).publish('orders.new', text);
    const seen = join(folder, 'seen');
    const { stderr } = await done([
      ...['consume', 'ORDERS', '--group', 'billing', '--limit', '2', '--filter', 'value != null'],
      ...['--yes', '--exec', `cat >> ${seen}; echo >> ${seen}; sleep 2.5`],
    ]);
    assert.equal(stderr, '2 handled\n');
    assert.equal(await readFile(seen, 'utf8'), 'one\ntwo\n');
    const {
      num_ack_pending: held,
      num_pending: waiting,
      num_redelivered: again,
    } = await manager.consumers.info('ORDERS', 'billing');
    assert.deepEqual({ held, waiting, again }, { held: 0, waiting: 0, again: 0 });
  },
);
