/** A proxy before a real schema registry that can ask for what that one does not (TLS, a login), and fail as proxies fail. */
import {
  createServer as createHttpServer,
  request,
  type IncomingMessage,
  type ServerResponse,
} from 'node:http';
import { createServer as createHttpsServer, type ServerOptions } from 'node:https';
import type { AddressInfo } from 'node:net';

export interface GateAnswer {
  readonly status: number;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: string;
}

export interface RegistryGate extends AsyncDisposable {
  /** The address by which it is reached, without a path. */
  readonly url: string;
  /** Path and query of each request, in order. */
  readonly requests: readonly string[];
  /** The next requests are answered so, one each, and go no further. `hang`: never. */
  next(...answers: readonly (GateAnswer | 'hang')[]): void;
  /** From then on nothing listens; what was being answered is answered. */
  stopAfter(requests: number): void;
  stop(): Promise<void>;
}

export interface GateOptions {
  /** null: plain HTTP. */
  readonly tls: ServerOptions | null;
  /** The status with which a request is turned away; null: it may pass. */
  readonly turnAway?: (request: IncomingMessage) => number | null;
}

export async function startRegistryGate(target: string, options: GateOptions): Promise<RegistryGate> {
  const requests: string[] = [];
  const answers: (GateAnswer | 'hang')[] = [];
  let last = Infinity;
  const handle = (incoming: IncomingMessage, response: ServerResponse): void => {
    requests.push(incoming.url ?? '');
    if (requests.length >= last) {
      response.setHeader('connection', 'close');
      server.close();
    }
    const turnedAway = options.turnAway?.(incoming) ?? null;
    const answer = turnedAway === null ? answers.shift() : { status: turnedAway };
    if (answer === 'hang') return;
    if (answer === undefined) return forward(target, incoming, response);
    response.writeHead(answer.status, { ...answer.headers }).end(answer.body ?? '');
  };
  const server = options.tls === null ? createHttpServer(handle) : createHttpsServer(options.tls, handle);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const stop = async (): Promise<void> => {
    if (server.listening) await new Promise((resolve) => server.close(resolve).closeAllConnections());
    else server.closeAllConnections();
  };
  const { port } = server.address() as AddressInfo;
  return {
    url: `${options.tls === null ? 'http' : 'https'}://127.0.0.1:${port.toString()}`,
    requests,
    next: (...more) => answers.push(...more),
    stopAfter: (count) => (last = count),
    stop,
    [Symbol.asyncDispose]: stop,
  };
}

function forward(target: string, incoming: IncomingMessage, response: ServerResponse): void {
  const { method, url = '/', headers } = incoming;
  const sending = request(new URL(url, target), { method, headers: { ...headers, host: '' } }, (answer) => {
    response.writeHead(answer.statusCode ?? 502, answer.headers);
    answer.pipe(response);
  });
  sending.on('error', () => response.writeHead(502).end());
  incoming.pipe(sending);
}
