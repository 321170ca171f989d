/** What tests of the RabbitMQ driver itself share: opening it with and without management, and the server's own HTTP API. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import type { TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Connection, Driver } from '../../../src/lib/drivers/driver.ts';
import { open } from '../../../src/lib/drivers/rabbitmq/index.ts';

/** The connection that a URL with a login names. */
export function connectionTo(url: string, changes: Partial<Connection> = {}): Connection {
  const parsed = new URL(url);
  const username = decodeURIComponent(parsed.username);
  const password = decodeURIComponent(parsed.password);
  parsed.username = '';
  parsed.password = '';
  return {
    url: parsed.href,
    username,
    password,
    tls: null,
    sasl: null,
    managementUrl: null,
    addressMap: new Map(),
    settings: {},
    ...changes,
  };
}

/** Closed when the test is over. */
export async function openDriver(t: TestContext, connection: Connection): Promise<Driver> {
  const driver = await open(connection, {
    log: () => undefined,
    timeoutMs: 10_000,
    signal: t.signal,
    stateFolder: '',
  });
  t.after(() => driver.close());
  return driver;
}

/** A name of its own; queues and exchanges of it are deleted when the test is over. */
export function uniqueName(t: TestContext, server: ManagementServer, word: string): string {
  const name = `mqctl-test-${word}-${randomUUID()}`;
  t.after(async () => {
    await server.send('DELETE', `queues/%2F/${name}`);
    await server.send('DELETE', `exchanges/%2F/${name}`);
  });
  return name;
}

/** Asks until the answer is as expected: the server's statistics come some seconds later. */
export async function eventually<T>(ask: () => Promise<T>, expected: (answer: T) => boolean): Promise<T> {
  const end = Date.now() + 20_000;
  for (;;) {
    const answer = await ask();
    if (expected(answer)) return answer;
    assert.ok(Date.now() < end, `still not as expected: ${JSON.stringify(answer)}`);
    await sleep(100);
  }
}

/** The management HTTP API, to arrange what the driver has no verb for. */
export class ManagementServer {
  readonly #address: string;

  constructor(address: string) {
    this.#address = address;
  }

  async send(method: 'GET' | 'PUT' | 'POST' | 'DELETE', path: string, body?: unknown): Promise<unknown> {
    const answer = await fetch(`${this.#address}/api/${path}`, {
      method,
      headers: {
        authorization: `Basic ${Buffer.from('guest:guest').toString('base64')}`,
        'content-type': 'application/json',
      },
      ...(body !== undefined && { body: JSON.stringify(body) }),
    });
    const text = await answer.text();
    if (method !== 'DELETE') assert.ok(answer.ok, `${method} ${path}: ${String(answer.status)} ${text}`);
    const parsed: unknown = text === '' ? null : JSON.parse(text);
    return parsed;
  }

  async publish(
    queue: string,
    payload: string,
    properties: Readonly<Record<string, unknown>> = {},
  ): Promise<void> {
    const answer = await this.send('POST', 'exchanges/%2F/amq.default/publish', {
      properties: { delivery_mode: 2, ...properties },
      routing_key: queue,
      payload,
      payload_encoding: 'string',
    });
    assert.deepEqual(answer, { routed: true });
  }

  /** Takes one message and rejects it: it goes to the dead letters. */
  async reject(queue: string): Promise<void> {
    await this.send('POST', `queues/%2F/${queue}/get`, {
      count: 1,
      ackmode: 'reject_requeue_false',
      encoding: 'auto',
    });
  }
}
