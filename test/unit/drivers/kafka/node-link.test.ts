import assert from 'node:assert/strict';
import { once } from 'node:events';
import { createServer } from 'node:net';
import { test } from 'node:test';
import { FailedError } from '../../../../src/lib/errors.ts';
import { NodeLink } from '../../../../src/lib/drivers/kafka/node-link.ts';

test('an answer whose size is none ends the request with an error, in one piece or byte by byte', async () => {
  for (const answer of [
    'ffffffff',
    '80000000',
    '00000000',
    '0000000300000001',
    'fffffffc00000000',
    '7fffffff',
  ]) {
    for (const inBytes of [false, true]) {
      const server = createServer((socket) => {
        socket.on('error', () => undefined);
        socket.once('data', () => {
          const bytes = Buffer.from(answer, 'hex');
          for (const part of inBytes ? bytes.values().map((byte) => Buffer.from([byte])) : [bytes])
            socket.write(part);
          if (answer === '7fffffff') socket.end();
        });
      }).listen(0, '127.0.0.1');
      await once(server, 'listening');
      const address = server.address();
      assert.ok(address !== null && typeof address === 'object');
      const place = { host: '127.0.0.1', port: address.port };
      const opening = NodeLink.open({
        reachable: place,
        advertised: place,
        tls: null,
        sasl: null,
        timeoutMs: 60_000,
        log: () => undefined,
      });
      await assert.rejects(opening, answer === '7fffffff' ? Error : FailedError);
      server.close();
    }
  }
});
