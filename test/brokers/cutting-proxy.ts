/** A proxy before a real server that can fail as networks fail: stop answering, cut what is open, refuse what is new. */
import { EventEmitter, once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';

export interface CuttingProxy {
  /** On 127.0.0.1. */
  readonly port: number;
  /** What the server says from now on does not arrive; what the client says does. */
  silence(): void;
  /** Resolves when clients have said so many bytes more. */
  said(bytes: number): Promise<void>;
  /** Cuts every open connection. New ones are refused until `heal`. */
  cut(): void;
  heal(): void;
  close(): Promise<void>;
}

export async function startCuttingProxy(target: {
  readonly host: string;
  readonly port: number;
}): Promise<CuttingProxy> {
  const sockets = new Set<Socket>();
  let silent = false;
  let refusing = false;
  let saidBytes = 0;
  const spoken = new EventEmitter();
  const keep = (socket: Socket) => {
    sockets.add(socket);
    socket.once('close', () => sockets.delete(socket));
    // A cut connection is what this is for.
    socket.on('error', () => socket.destroy());
  };
  const server = createServer((client) => {
    keep(client);
    if (refusing) return void client.destroy();
    const upstream = connect(target.port, target.host);
    keep(upstream);
    client.on('data', (data) => {
      upstream.write(data);
      saidBytes += data.length;
      spoken.emit('more');
    });
    upstream.on('data', (data) => silent || client.write(data));
    client.once('close', () => upstream.destroy());
    upstream.once('close', () => silent || client.destroy());
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const cut = () => {
    refusing = true;
    for (const socket of sockets) socket.destroy();
  };
  return {
    port: portOf(server.address()),
    silence: () => (silent = true),
    said: async (bytes) => {
      const enough = saidBytes + bytes;
      while (saidBytes < enough) await once(spoken, 'more');
    },
    cut,
    heal: () => {
      refusing = false;
      silent = false;
    },
    close: () => {
      cut();
      return new Promise((resolve) => server.close(() => resolve()));
    },
  };
}

function portOf(address: AddressInfo | string | null): number {
  if (address === null || typeof address === 'string') throw new Error('the proxy listens at no port');
  return address.port;
}
