import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, test } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import kafkajs from 'kafkajs';
import type { AclResourceTypes, Admin } from 'kafkajs';
import type { Connection } from '../../../src/lib/drivers/driver.ts';
import { KafkaBacklog } from '../../../src/lib/drivers/kafka/backlog.ts';
import { open as openKafka } from '../../../src/lib/drivers/kafka/index.ts';
import { KafkaGroups } from '../../../src/lib/drivers/kafka/groups.ts';
import { KafkaPositions } from '../../../src/lib/drivers/kafka/positions.ts';
import { offsetCommit } from '../../../src/lib/drivers/kafka/protocol/groups/offset-commit.ts';
import { Session } from '../../../src/lib/drivers/kafka/session.ts';
import {
  DeniedError,
  MqctlError,
  NotFoundError,
  UnreachableError,
  UsageError,
} from '../../../src/lib/errors.ts';
import { users } from '../../brokers/kafka-secure.ts';
import { addressOf, without } from '../../brokers/needs.ts';
import { certificateFiles } from '../../brokers/test-certificates.ts';
import { plainConnection } from './kafka-session.ts';

const signal = new AbortController().signal;

function variable(name: string): string {
  const value = process.env[name];
  assert.ok(value !== undefined, `${name} is not set`);
  return value;
}

function pem(name: keyof typeof certificateFiles): string {
  return readFileSync(join(variable('MQCTL_TEST_KAFKA_SECURE_FILES'), certificateFiles[name]), 'utf8');
}

type Tls = NonNullable<Connection['tls']>;

function tls(change: Partial<Tls> = {}): Tls {
  const nothing = { certificate: null, key: null, keyPassphrase: null, serverName: null, insecure: false };
  return { ca: pem('ca'), ...nothing, ...change };
}

function login(mechanism: string, user: keyof typeof users = 'admin'): Partial<Connection> {
  return { username: user, password: users[user], sasl: { mechanism, fields: {} } };
}

/** An unsigned token, which this broker takes; `lives` in seconds. */
function token(user: string, lives: number): Partial<Connection> {
  const part = (value: object) => Buffer.from(JSON.stringify(value)).toString('base64url');
  const now = Math.floor(Date.now() / 1000);
  const claims = { sub: user, iat: now - 60, exp: now + lives };
  const text = `${part({ alg: 'none' })}.${part(claims)}.`;
  return { sasl: { mechanism: 'OAUTHBEARER', fields: { token: text } } };
}

function saslSsl(change: Partial<Connection>): Connection {
  return { ...plainConnection(addressOf('kafka-secure')), tls: tls(), ...change };
}

function saslPlaintext(change: Partial<Connection>): Connection {
  return { ...plainConnection(variable('MQCTL_TEST_KAFKA_SECURE_PLAINTEXT')), ...change };
}

function mtls(change: Partial<Tls>): Connection {
  return { ...plainConnection(variable('MQCTL_TEST_KAFKA_SECURE_MTLS')), tls: tls(change) };
}

async function open(connection: Connection, timeoutMs = 10_000): Promise<Session> {
  return Session.open(connection, { log: () => undefined, timeoutMs, signal, stateFolder: '/nonexistent' });
}

/** The error of a connection that must fail: one line with a remedy and without the secrets. */
async function refusal(connection: Connection, timeoutMs?: number): Promise<MqctlError> {
  try {
    const session = await open(connection, timeoutMs);
    await session.close();
  } catch (error) {
    assert.ok(error instanceof MqctlError, String(error));
    const shown = `${error.message} ${error.hint ?? ''}`;
    assert.doesNotMatch(shown, /\n/);
    assert.ok(error.hint !== undefined && error.hint.length > 0);
    const secrets = [connection.password, connection.sasl?.fields['token'], connection.tls?.key];
    for (const secret of secrets) assert.ok(!secret || !shown.includes(secret), shown);
    return error;
  }
  return assert.fail('it connected');
}

async function refuses(connection: Connection, words: RegExp, timeoutMs?: number): Promise<void> {
  const error = await refusal(connection, timeoutMs);
  assert.ok(error instanceof UnreachableError, `${error.name}: ${error.message}`);
  assert.match(error.message, words);
}

describe('logging in to Kafka', { skip: without('kafka-secure'), timeout: 120_000 }, () => {
  for (const mechanism of ['PLAIN', 'SCRAM-SHA-256', 'SCRAM-SHA-512']) {
    for (const [listener, connection] of [
      ['TLS', saslSsl],
      ['plaintext', saslPlaintext],
    ] as const) {
      test(`${mechanism} over ${listener}`, async () => {
        const session = await open(connection(login(mechanism)));
        assert.deepEqual((await session.metadata([], signal)).topics, []);
        await session.close();
      });
    }

    test(`${mechanism} with a wrong password is refused`, async () => {
      const wrong = { ...login(mechanism), password: `wrong-${randomUUID()}` };
      await refuses(saslSsl(wrong), /refused the login/);
    });
  }

  test('OAUTHBEARER over TLS', async () => {
    const session = await open(saslSsl(token('admin', 600)));
    assert.deepEqual((await session.metadata([], signal)).topics, []);
    await session.close();
  });

  test('OAUTHBEARER with a token that has run out is refused', async () => {
    await refuses(saslSsl(token('admin', -30)), /refused the login/);
  });

  test('a client certificate', async () => {
    const session = await open(mtls({ certificate: pem('clientCertificate'), key: pem('clientKey') }));
    assert.deepEqual((await session.metadata([], signal)).topics, []);
    await session.close();
  });

  test('without the client certificate that the broker wants it is refused', async () => {
    await refuses(mtls({}), /certificate/);
  });

  test('a certificate of an authority that is not given is not trusted', async () => {
    await refuses(saslSsl({ ...login('PLAIN'), tls: tls({ ca: null }) }), /not trusted/);
  });

  test('a certificate of another authority is not trusted', async () => {
    await refuses(saslSsl({ ...login('PLAIN'), tls: tls({ ca: pem('strangerCa') }) }), /not trusted/);
  });

  test('a certificate for another name is refused, unless it need not be checked', async () => {
    const other = { serverName: 'elsewhere.example' };
    await refuses(saslSsl({ ...login('PLAIN'), tls: tls(other) }), /another name/);
    const session = await open(saslSsl({ ...login('PLAIN'), tls: tls({ ...other, insecure: true }) }));
    await session.close();
  });

  test('TLS to a plaintext listener', async () => {
    await refuses(
      saslPlaintext({ ...login('PLAIN'), tls: tls() }),
      /does not speak TLS|closed the connection/,
    );
  });

  test('plaintext to a TLS listener', async () => {
    await refuses(saslSsl({ ...login('PLAIN'), tls: null }), /closed the connection/);
  });

  test('no login where one is wanted', async () => {
    await refuses(saslSsl({}), /closed the connection/);
  });

  test('a mechanism that the broker has not got', async () => {
    await refuses(saslSsl({ sasl: { mechanism: 'AWS_MSK_IAM', fields: iamFields } }), /does not offer/);
  });

  test('a mechanism that nobody has is wrong usage', async () => {
    const error = await refusal(saslSsl({ sasl: { mechanism: 'MAGIC', fields: {} } }));
    assert.ok(error instanceof UsageError);
  });

  test('nothing listens there', async () => {
    await refuses(saslSsl({ ...plainConnection('127.0.0.1:1'), ...login('PLAIN') }), /connection refused/);
  });

  for (const secured of [true, false]) {
    test(`a listener that never answers, ${secured ? 'with' : 'without'} TLS, is given up in time`, async () => {
      const sockets = new Set<Socket>();
      const silent = createServer((socket) => sockets.add(socket));
      await new Promise<void>((ready) => silent.listen(0, '127.0.0.1', ready));
      const { port } = silent.address() as AddressInfo;
      try {
        const connection = plainConnection(`127.0.0.1:${String(port)}`);
        await refuses({ ...connection, tls: secured ? tls() : null }, /did not answer in time/, 1_000);
      } finally {
        for (const socket of sockets) socket.destroy();
        silent.close();
      }
    });
  }
});

const iamFields = { region: 'eu-west-1', accessKeyId: 'AKIAEXAMPLE', secretAccessKey: 'example-secret' };

describe('permissions of Kafka', { skip: without('kafka-secure'), timeout: 120_000 }, () => {
  const topic = `secure-${randomUUID()}`;
  const hidden = `hidden-${randomUUID()}`;
  const group = `group-${randomUUID()}`;
  const secret = `secret-${randomUUID()}`;
  let admin: Admin;
  let alice: Session;

  before(async () => {
    const kafka = new kafkajs.Kafka({
      brokers: [addressOf('kafka-secure')],
      ssl: { ca: pem('ca') },
      sasl: { mechanism: 'plain', username: 'admin', password: users.admin },
      logLevel: kafkajs.logLevel.NOTHING,
    });
    admin = kafka.admin();
    await admin.connect();
    await admin.createTopics({ topics: [{ topic }, { topic: hidden }] });
    // Alice may describe one topic and one group, and see nothing of the others.
    const acl = (resourceType: AclResourceTypes, resourceName: string) => ({
      resourceType,
      resourceName,
      resourcePatternType: kafkajs.ResourcePatternTypes.LITERAL,
      principal: 'User:alice',
      host: '*',
      operation: kafkajs.AclOperationTypes.DESCRIBE,
      permissionType: kafkajs.AclPermissionTypes.ALLOW,
    });
    await admin.createAcls({
      acl: [acl(kafkajs.AclResourceTypes.TOPIC, topic), acl(kafkajs.AclResourceTypes.GROUP, group)],
    });
    const producer = kafka.producer();
    await producer.connect();
    await producer.send({ topic, messages: [{ value: 'x' }] });
    await producer.disconnect();
    const operator = await open(saslSsl(login('PLAIN')));
    for (const name of [group, secret]) {
      const topics = [topic, hidden].map((each) => ({
        topic: each,
        partitions: [{ partition: 0, offset: 0n, metadata: null }],
      }));
      const request = { group: name, retentionMs: -1, topics };
      const commit = () => operator.sendToCoordinator('group', name, offsetCommit, request, { signal });
      // The coordinator of a young cluster may still be loading.
      while ((await commit()).some(({ errorCode }) => errorCode !== 0)) await pause(100);
    }
    await operator.close();
    alice = await open(saslSsl(login('SCRAM-SHA-512', 'alice')));
  });

  after(async () => {
    await alice.close();
    try {
      await admin.deleteGroups([group, secret]);
      await admin.deleteTopics({ topics: [topic, hidden] });
    } finally {
      await admin.disconnect();
    }
  });

  test('a topic without permission is denied, not missing', async () => {
    await assert.rejects(alice.topic(hidden, signal), DeniedError);
    await assert.rejects(
      new KafkaBacklog(alice).read({ groups: null, channels: [hidden] }, signal),
      DeniedError,
    );
  });

  test('nothing can be done with a topic without permission', async () => {
    const environment = { log: () => undefined, timeoutMs: 10_000, signal, stateFolder: '/nonexistent' };
    const driver = await openKafka(saslSsl(login('SCRAM-SHA-256', 'alice')), environment);
    const { look, publish, admin: administration } = driver;
    assert.ok(look !== undefined && publish !== undefined && administration !== undefined);
    const start = { every: { kind: 'start', shift: 0n } } as const;
    const request = { partitions: null, limit: null, uncommitted: false, until: null, follow: false };
    const attempts = {
      describe: () => driver.describe(hidden, signal),
      look: () => look.open({ ...request, channel: hidden, from: start }, signal),
      publish: () => publish.open({ channel: hidden, delivery: 'at-least-once', compression: null }, signal),
      purge: () => administration.purge(hidden, signal),
      delete: () => administration.delete(hidden, signal),
      create: () =>
        administration.create(
          { channel: `${hidden}-2`, type: null, partitions: 1, settings: {}, deadLetter: null },
          signal,
        ),
    };
    try {
      for (const [name, attempt] of Object.entries(attempts)) {
        const error: unknown = await attempt().catch((thrown: unknown) => thrown);
        assert.ok(error instanceof DeniedError, `${name}: ${String(error)}`);
      }
    } finally {
      await driver.close();
    }
  });

  test('what may be described but not read or written is refused when it is tried', async () => {
    const environment = { log: () => undefined, timeoutMs: 10_000, signal, stateFolder: '/nonexistent' };
    const driver = await openKafka(saslSsl(login('SCRAM-SHA-256', 'alice')), environment);
    const { look, publish } = driver;
    assert.ok(look !== undefined && publish !== undefined);
    const start = { every: { kind: 'start', shift: 0n } } as const;
    const request = { partitions: null, limit: null, uncommitted: false, until: null, follow: false };
    const read = async () => {
      const looking = await look.open({ ...request, channel: topic, from: start }, signal);
      for await (const batch of looking.batches) assert.equal(batch.length, 0);
    };
    // Already for the producer id, which takes a permission to write to any topic (KIP-679).
    const write = () =>
      publish.open({ channel: topic, delivery: 'at-least-once', compression: null }, signal);
    try {
      await assert.rejects(read(), DeniedError);
      await assert.rejects(write(), DeniedError);
    } finally {
      await driver.close();
    }
  });

  test('a group without permission is denied, and not listed', async () => {
    await assert.rejects(new KafkaGroups(alice).describe(secret, signal), DeniedError);
    await assert.rejects(new KafkaPositions(alice).read(secret, signal), DeniedError);
    await assert.rejects(
      new KafkaBacklog(alice).read({ groups: [secret], channels: null }, signal),
      DeniedError,
    );
    const listed = await new KafkaGroups(alice).list({ match: '*' }, signal);
    assert.deepEqual(
      listed.map((each) => each.group),
      [group],
    );
  });

  test('a group that nobody may see or that is not there is denied: the broker does not say which', async () => {
    const error = await new KafkaGroups(alice)
      .describe(randomUUID(), signal)
      .catch((thrown: unknown) => thrown);
    assert.ok(error instanceof DeniedError || error instanceof NotFoundError);
  });

  test('what may be seen is told; what may not is unknown, with the reason', async () => {
    const backlogs = await new KafkaBacklog(alice).read({ groups: [group], channels: null }, signal);
    assert.deepEqual(
      backlogs.map(({ channel }) => channel),
      [topic],
    );
    const [backlog] = backlogs;
    assert.equal(backlog?.partitions[0]?.waiting, 1);
    // The settings of a topic need a permission of their own.
    assert.match(backlog.unknown.join(), /retention: .*TOPIC_AUTHORIZATION_FAILED/);
    // And so does reading its records, by whose times the age would be known, and the groups' own topic.
    assert.equal(backlog.partitions[0]?.oldest, null);
    assert.match(backlog.unknown.join(), /oldest: partition 0 of secure-.*: TOPIC_AUTHORIZATION_FAILED/);
    const { commits, unknown } = await new KafkaBacklog(alice).lastCommits(
      { groups: [group], since: 0 },
      signal,
    );
    assert.deepEqual(commits, []);
    assert.match(unknown.get(group) ?? '', /^__consumer_offsets: TOPIC_AUTHORIZATION_FAILED/);
  });

  test('of a group that is listed and may not be described, it is said that it is unknown, and why', async () => {
    const cluster = {
      resourceType: kafkajs.AclResourceTypes.CLUSTER,
      resourceName: 'kafka-cluster',
      resourcePatternType: kafkajs.ResourcePatternTypes.LITERAL,
      principal: 'User:alice',
      host: '*',
      operation: kafkajs.AclOperationTypes.DESCRIBE,
      permissionType: kafkajs.AclPermissionTypes.ALLOW,
    };
    await admin.createAcls({ acl: [cluster] });
    try {
      const listed = async () => (await new KafkaGroups(alice).list({ match: '*' }, signal)).length;
      while ((await listed()) < 2) await pause(100);
      const backlogs = await new KafkaBacklog(alice).read({ groups: null, channels: null }, signal);
      assert.deepEqual(
        backlogs.map((each) => each.group),
        [group],
      );
      const [first] = backlogs;
      assert.match(
        first?.unknown.join() ?? '',
        new RegExp(`"${secret}".*(not allowed|GROUP_AUTHORIZATION_FAILED)`),
      );
    } finally {
      await admin.deleteAcls({ filters: [cluster] });
    }
  });
});
