/** Consumers of streams as an application has them: they read by a name, and store what they processed last. */
import assert from 'node:assert/strict';
import { StreamLink } from '../../../src/lib/drivers/rabbitmq/stream-link.ts';
import { command, writeString } from '../../../src/lib/drivers/rabbitmq/stream-frames.ts';
import { eventually } from '../suite/workbench.ts';

const login = () => new URL(process.env['MQCTL_TEST_RABBITMQ'] ?? '');
const timeoutMs = 10_000;
const never = new AbortController().signal;

async function connect(): Promise<StreamLink> {
  const [host = '', port = ''] = (process.env['MQCTL_TEST_RABBITMQ_STREAM'] ?? '').split(':');
  const { username, password } = login();
  return StreamLink.open(
    {
      host,
      port: Number(port),
      tls: null,
      login: {
        mechanism: 'PLAIN',
        username: decodeURIComponent(username),
        password: decodeURIComponent(password),
      },
      vhost: '/',
    },
    'an application',
    timeoutMs,
    timeoutMs,
    never,
  );
}

/** What the management API tells, apart from the protocol. */
async function managementAnswer(path: string): Promise<unknown> {
  const { username, password } = login();
  const authorization = `Basic ${Buffer.from(`${decodeURIComponent(username)}:${decodeURIComponent(password)}`).toString('base64')}`;
  const answer = await fetch(`${process.env['MQCTL_TEST_RABBITMQ_MANAGEMENT'] ?? ''}${path}`, {
    headers: { authorization },
  });
  assert.ok(answer.ok, `${path}: ${String(answer.status)}`);
  return answer.json();
}

/** Stores the offset of the last of the first `settled`, as clients do, until the broker's own list has it. */
export async function storeSettled(stream: string, reference: string, settled: number): Promise<void> {
  assert.ok(settled > 0);
  const link = await connect();
  link.send(command.storeOffset, (writer) => {
    writeString(writer, reference);
    writeString(writer, stream);
    writer.uint64(BigInt(settled - 1));
  });
  await eventually(async () => {
    const tracked = await managementAnswer(
      `/api/stream/%2F/${encodeURIComponent(stream)}/tracking?type=offset`,
    );
    assert.ok(JSON.stringify(tracked).includes(`${JSON.stringify(reference)}:${String(settled - 1)}`));
  });
  link.close();
}

/** A consumer with that name, which takes a chunk and stores nothing. */
export async function readByName(stream: string, reference: string): Promise<() => Promise<void>> {
  const link = await connect();
  await link.ask(
    `reading "${stream}"`,
    command.subscribe,
    (writer) => {
      writer.uint8(link.subscription(() => undefined));
      writeString(writer, stream);
      writer.uint16(1); // from the first message
      writer.uint16(1); // credit
      writer.uint32(1);
      writeString(writer, 'name');
      writeString(writer, reference);
    },
    () => undefined,
    never,
  );
  await eventually(async () => {
    assert.match(JSON.stringify(await managementAnswer('/api/stream/consumers/%2F')), new RegExp(reference));
  });
  return async () => link.close();
}
