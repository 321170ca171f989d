import assert from 'node:assert/strict';
import { createServer } from 'node:http';
import type { RequestListener } from 'node:http';
import { test } from 'node:test';
import type { TestContext } from 'node:test';
import { DeniedError, FailedError, UnreachableError } from '../../../../src/lib/errors.ts';
import type { Connection } from '../../../../src/lib/drivers/driver.ts';
import { Management } from '../../../../src/lib/drivers/rabbitmq/management.ts';

const signal = new AbortController().signal;

async function serve(t: TestContext, listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  await new Promise<void>((done) => server.listen(0, '127.0.0.1', done));
  t.after(() => {
    server.closeAllConnections();
    server.close();
  });
  const address = server.address();
  assert.ok(typeof address === 'object' && address !== null);
  return `http://127.0.0.1:${String(address.port)}`;
}

function managementAt(t: TestContext, managementUrl: string, settings: Partial<Connection> = {}): Management {
  const connection: Connection = {
    url: 'amqp://127.0.0.1:5672/',
    username: 'guest',
    password: 'secret-word',
    tls: null,
    sasl: null,
    managementUrl,
    addressMap: new Map(),
    settings: {},
    ...settings,
  };
  const environment = { log: () => undefined, timeoutMs: 300, signal, stateFolder: '' };
  const management = new Management(connection, environment, () => Promise.resolve('rabbit@one'));
  t.after(() => {
    management.close();
  });
  return management;
}

test('asks with the login, and reads page after page', async (t) => {
  const asked: string[] = [];
  const address = await serve(t, (request, answer) => {
    asked.push(`${request.headers.authorization ?? ''} ${request.url ?? ''}`);
    const page = Number(new URL(request.url ?? '', 'http://x').searchParams.get('page'));
    answer.end(JSON.stringify(page === 0 ? {} : { page_count: 2, items: [{ name: `q${String(page)}` }] }));
  });
  const { api } = await managementAt(t, `${address}/`).reach(signal);
  assert.ok(api !== null);
  const pages = await Array.fromAsync(api.pages('/api/queues/%2F', '', signal));
  assert.deepEqual(pages, [[{ name: 'q1' }], [{ name: 'q2' }]]);
  const login = Buffer.from('guest:secret-word').toString('base64');
  assert.deepEqual(asked, [
    `Basic ${login} /api/whoami`,
    `Basic ${login} /api/queues/%2F?page=1&page_size=500`,
    `Basic ${login} /api/queues/%2F?page=2&page_size=500`,
  ]);
});

test('an address that nobody listens at is no error, but a reason that can be shown', async (t) => {
  const address = await serve(t, (_, answer) => answer.end());
  const { port } = new URL(address);
  const management = managementAt(t, `http://user:secret-word@127.0.0.1:${port}`, {
    addressMap: new Map([[`127.0.0.1:${port}`, '127.0.0.1:1']]),
  });
  const { api, missing } = await management.reach(signal);
  assert.equal(api, null);
  assert.match(missing ?? '', /not reachable at http:\/\/127\.0\.0\.1/);
  assert.doesNotMatch(missing ?? '', /secret-word/);
  await assert.rejects(management.require('listing queues', signal), (error) => {
    assert.ok(error instanceof FailedError);
    assert.equal(error.code, 'MANAGEMENT_UNREACHABLE');
    assert.match(error.hint ?? '', /managementUrl/);
    return true;
  });
});

test('a login that is refused is told from an address that does not answer', async (t) => {
  const address = await serve(t, (_, answer) => {
    answer.writeHead(401).end('{"error":"not_authorized","reason":"Not_\\u001b[31mAuthorized"}');
  });
  const { missing } = await managementAt(t, address).reach(signal);
  assert.match(missing ?? '', /refuses this login: Not_ \[31mAuthorized/);
});

test('a server that never answers is given up', async (t) => {
  const address = await serve(t, () => undefined);
  const { missing } = await managementAt(t, address).reach(signal);
  assert.match(missing ?? '', /no answer within 300 ms/);
});

test('an abort ends the question', async (t) => {
  const address = await serve(t, () => undefined);
  const abort = new AbortController();
  const reaching = managementAt(t, address).reach(abort.signal);
  abort.abort(new Error('enough'));
  await assert.rejects(reaching, { message: 'enough' });
});

test('an answer that is no JSON, a refusal and a failure are errors of their own; what is not there is null', async (t) => {
  const address = await serve(t, (request, answer) => {
    if (request.url === '/api/whoami') answer.end('{}');
    else if (request.url === '/api/gone') answer.writeHead(404).end('{"error":"Object Not Found"}');
    else if (request.url === '/api/nodes') answer.writeHead(403).end('{"reason":"Not monitor user"}');
    else if (request.url === '/api/text') answer.end('<html>');
    else if (request.url === '/api/broken') request.socket.destroy();
    else answer.writeHead(503).end('down for now');
  });
  const { api } = await managementAt(t, address).reach(signal);
  assert.ok(api !== null);
  assert.equal(await api.get('/api/gone', signal), null);
  await assert.rejects(api.get('/api/nodes', signal), DeniedError);
  await assert.rejects(api.get('/api/text', signal), FailedError);
  await assert.rejects(api.get('/api/broken', signal), UnreachableError);
  await assert.rejects(api.get('/api/else', signal), { retriable: true });
});

test('the login is not sent to a guessed address that is no RabbitMQ', async (t) => {
  const asked: (string | undefined)[] = [];
  const address = await serve(t, (request, answer) => {
    asked.push(request.headers.authorization);
    answer.writeHead(401, { 'www-authenticate': 'Basic realm="Router"' }).end();
  });
  const { host } = new URL(address);
  const management = managementAt(t, '', {
    managementUrl: null,
    addressMap: new Map([['127.0.0.1:15672', host]]),
  });
  const { missing } = await management.reach(signal);
  assert.match(missing ?? '', /no RabbitMQ management/);
  assert.deepEqual(asked, [undefined]);
});

test('another cluster at a guessed address is not taken for this one', async (t) => {
  let name = 'rabbit@two';
  const address = await serve(t, (request, answer) => {
    if (request.headers.authorization === undefined)
      answer.writeHead(401, { 'www-authenticate': 'Basic realm="RabbitMQ Management"' }).end();
    else answer.end(JSON.stringify({ cluster_name: name }));
  });
  const guessing = { managementUrl: null, addressMap: new Map([['127.0.0.1:15672', new URL(address).host]]) };
  const other = await managementAt(t, '', guessing).reach(signal);
  assert.match(other.missing ?? '', /the cluster "rabbit@two" answers there, not "rabbit@one"/);
  name = 'rabbit@one';
  assert.equal((await managementAt(t, '', guessing).reach(signal)).missing, null);
});
