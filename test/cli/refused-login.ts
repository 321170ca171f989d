/** What every refused login has to look like, and servers that refuse in ways of their own. */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo, type Socket } from 'node:net';
import { join } from 'node:path';
import type { TestContext } from 'node:test';
import { mqctl, scratchFolder } from './run-mqctl.ts';

/** Written into the context file as it is, so whatever is printed must not hold it. */
export const secret = 'Tr0ub4dor&3-hold-this-back';

/** Accepts and never says a word. */
export async function silentServer(t: TestContext): Promise<number> {
  const sockets = new Set<Socket>();
  const server = createServer((socket) => {
    sockets.add(socket);
    socket.on('error', () => undefined);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.after(() => {
    for (const socket of sockets) socket.destroy();
    server.close();
  });
  return (server.address() as AddressInfo).port;
}

/**
 * Runs a command in the context and again with `--debug`: exit 4 within the test's time, one line that matches, no stack,
 * and the secret in neither. `timeout` is shorter where nothing but the time-out is to come.
 */
export async function assertRefused(
  context: Readonly<Record<string, unknown>>,
  expected: RegExp,
  timeout = '3s',
): Promise<void> {
  await using folder = await scratchFolder();
  const environment = { MQCTL_CONFIG: join(folder.path, 'contexts.yaml') };
  const file = { current: 'there', contexts: { there: context } };
  await writeFile(environment.MQCTL_CONFIG, JSON.stringify(file), { mode: 0o600 });
  const invocation = { folder: folder.path, environment };

  for (const words of [['ls'], ['produce', 'orders', '--value', 'x'], ['consume', 'orders']]) {
    const { code, stdout, stderr } = await mqctl([...words, '--timeout', timeout], invocation);
    assert.equal(code, 4, `${words.join(' ')}: ${stderr}`);
    assert.equal(stdout.length, 0);
    assert.equal(stderr.trimEnd().split('\n').length, 1, stderr);
    assert.match(stderr, expected);
    assert.doesNotMatch(stderr, /\s+at .*\.js:\d+|node:internal/);
    assertNoSecret(stderr);
  }
  const asJson = await mqctl(['describe', 'orders', '-o', 'json', '--timeout', timeout], invocation);
  assert.partialDeepStrictEqual(JSON.parse(asJson.stderr), { error: { code: 'UNREACHABLE', exit: 4 } });
  assertNoSecret(asJson.stderr);
  const debugged = await mqctl(['ls', '--debug', '--timeout', timeout], invocation);
  assert.equal(debugged.code, 4);
  assert.match(debugged.stderr, expected);
  assertNoSecret(debugged.stderr);
}

/** Nor in the ways in which it travels. */
function assertNoSecret(text: string): void {
  for (const form of [
    secret,
    encodeURIComponent(secret),
    Buffer.from(secret).toString('base64').slice(0, -4),
    Buffer.from(secret).toString('hex'),
    JSON.stringify(secret).slice(1, -1),
  ])
    assert.ok(!text.includes(form), 'a secret was printed');
}
