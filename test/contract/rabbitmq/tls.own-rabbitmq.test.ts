/** RabbitMQ over TLS: trusted by the context's authority alone, and every other certificate refused in one clear line. */
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import type { TestContext } from 'node:test';
import type { Connection } from '../../../src/lib/drivers/driver.ts';
import { UnreachableError } from '../../../src/lib/errors.ts';
import { certificateFiles, makeCertificates } from '../../brokers/test-certificates.ts';
import { meansToRun } from '../../brokers/rabbitmq-installation.ts';
import { startRabbitmq } from '../../brokers/rabbitmq.ts';
import type { RunningRabbitmq } from '../../brokers/rabbitmq.ts';
import { connectionTo, openDriver } from './rabbitmq-server.ts';

const means = await meansToRun();
const skip = means.able ? false : `${means.reason}: ${means.remedy}`;

type Tls = NonNullable<Connection['tls']>;

let broker: RunningRabbitmq;
let authority: string;
let folder: string;

if (!skip) {
  before(async () => {
    broker = await startRabbitmq({ tls: true });
    authority = await readFile(variable('MQCTL_TEST_RABBITMQ_CA'), 'utf8');
    folder = await mkdtemp(join(tmpdir(), 'mqctl-tls-'));
  });
  after(async () => {
    await broker.stop();
    await rm(folder, { recursive: true });
  });
}

function variable(name: string): string {
  const value = broker.environment[name];
  assert.ok(value !== undefined, name);
  return value;
}

function tls(changes: Partial<Tls>): Tls {
  const nothing = { ca: null, certificate: null, key: null, keyPassphrase: null, serverName: null };
  return { ...nothing, insecure: false, ...changes };
}

function overTls(changes: Partial<Tls>, others: Partial<Connection> = {}): Connection {
  return connectionTo(variable('MQCTL_TEST_RABBITMQ_TLS'), { tls: tls(changes), ...others });
}

async function refused(t: TestContext, connection: Connection, message: RegExp): Promise<void> {
  await assert.rejects(openDriver(t, connection), (error) => {
    assert.ok(error instanceof UnreachableError, String(error));
    assert.equal(error.exit, 4);
    assert.match(error.message, message);
    assert.doesNotMatch(error.message, /\n/);
    assert.doesNotMatch(`${error.message} ${error.hint ?? ''}`, /wrong-secret/);
    return true;
  });
}

test(
  'a server whose certificate the named authority signed is trusted, its management API, too',
  { skip },
  async (t) => {
    const managementUrl = variable('MQCTL_TEST_RABBITMQ_TLS_MANAGEMENT');
    const driver = await openDriver(t, overTls({ ca: authority }, { managementUrl }));
    assert.match(driver.target, /^amqps:\/\/localhost:\d+$/);
    const status = await driver.cluster?.status(t.signal);
    assert.equal(status?.nodes[0]?.running, true);
    assert.deepEqual(status.unknown, []);
  },
);

test('an authority that is not known is not trusted', { skip }, async (t) => {
  await refused(t, overTls({}), /certificate.* not trusted/);
  await makeCertificates(folder);
  const stranger = await readFile(join(folder, certificateFiles.strangerCa), 'utf8');
  await refused(t, overTls({ ca: stranger }), /certificate.* not trusted/);
});

test('a management API that is not trusted is not asked, and that is said', { skip }, async (t) => {
  const managementUrl = variable('MQCTL_TEST_RABBITMQ_TLS_MANAGEMENT');
  const plain = connectionTo(broker.address, { managementUrl });
  const status = await (await openDriver(t, plain)).cluster?.status(t.signal);
  assert.match(status?.unknown.join() ?? '', /not reachable at https:.*certificate/);
});

test('a certificate for another name is refused', { skip }, async (t) => {
  await refused(t, overTls({ ca: authority, serverName: 'other.example' }), /another name/);
});

test('who asks for it is connected without a check', { skip }, async (t) => {
  const driver = await openDriver(t, overTls({ insecure: true }));
  assert.match(driver.target, /^amqps:/);
});

test('a wrong password over TLS is told as such, without the password', { skip }, async (t) => {
  await refused(t, overTls({ ca: authority }, { password: 'wrong-secret' }), /refused the login/);
});

test('plain AMQP at the TLS port, and TLS at the plain one, end with a hint', { skip }, async (t) => {
  const url = variable('MQCTL_TEST_RABBITMQ_TLS').replace('amqps:', 'amqp:');
  await assert.rejects(openDriver(t, connectionTo(url)), { exit: 4, hint: /amqps:/ });
  const plainPort = broker.address.replace('amqp:', 'amqps:');
  await assert.rejects(openDriver(t, connectionTo(plainPort, { tls: tls({ ca: authority }) })), {
    exit: 4,
    hint: /amqp:/,
  });
});
