import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { test } from 'node:test';
import { workplace } from './workplace.ts';

test('a remote $ref is never fetched: check, validate and produce --validate name it, and nothing connects', async (t) => {
  const { folder, run, done, channel } = await workplace(t, 'local:shop.db');
  let connections = 0;
  const listener = createServer((socket) => {
    connections += 1;
    socket.destroy();
  });
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve));
  t.after(() => listener.close());
  const { port } = listener.address() as AddressInfo;
  const remote = `http://127.0.0.1:${port.toString()}/id.json`;
  const schema = { type: 'object', properties: { id: { $ref: remote } } };
  await writeFile(join(folder, 'order.json'), JSON.stringify(schema));
  await writeFile(join(folder, 'plain.json'), '{"type":"object"}');
  const name = await channel();
  for (const words of [
    ['schema', 'check', 'order.json', '--against', 'plain.json'],
    ['schema', 'check', 'plain.json', '--against', 'order.json'],
    ['schema', 'validate', '--schema', 'order.json'],
    ['produce', name, '--validate', '--value-schema', 'order.json'],
  ]) {
    const { code, stderr } = await run(words, '{"id":1}\n');
    assert.equal(code, 2, `${words.join(' ')}: ${stderr}`);
    assert.ok(stderr.includes(remote), stderr);
  }
  assert.equal((await done(['consume', name, '-o', 'ndjson'])).stdout.length, 0);
  assert.equal(connections, 0);
});
