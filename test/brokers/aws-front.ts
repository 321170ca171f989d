/**
 * A stand-in between mqctl and an emulator of Kinesis or SQS, for what the emulator never does: it refuses single entries, throttles,
 * and answers as AWS does to logins. What no rule takes goes through as it is.
 */
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';

export interface FrontAnswer {
  readonly status: number;
  readonly body: string;
  readonly type?: string;
}

export interface FrontRequest {
  /** `PutRecords`. */
  readonly operation: string;
  readonly body: Readonly<Record<string, unknown>>;
  /** Asks the emulator: with this body in the place of what was sent. */
  readonly pass: (body?: Readonly<Record<string, unknown>>) => Promise<FrontAnswer>;
}

/** null: it goes through. */
export type FrontRule = (request: FrontRequest) => Promise<FrontAnswer | null> | FrontAnswer | null;

export interface Front {
  readonly endpoint: string;
  close(): Promise<void>;
}

/** As AWS answers to what it refuses. */
export function refusal(name: string, message: string, status = 400): FrontAnswer {
  return { status, body: JSON.stringify({ __type: name, message }) };
}

/** `emulator` may be null where every request is answered here. */
export async function startFront(emulator: string | null, rule: FrontRule): Promise<Front> {
  const server = createServer((request, response) => {
    void answer(request, emulator, rule).then(
      (said) => write(response, said),
      (error: unknown) => write(response, refusal('InternalFailure', String(error), 500)),
    );
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  if (address === null || typeof address === 'string') throw new Error('a listening server without a port');
  return {
    endpoint: `http://127.0.0.1:${String(address.port)}`,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

async function answer(
  request: IncomingMessage,
  emulator: string | null,
  rule: FrontRule,
): Promise<FrontAnswer> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) if (chunk instanceof Buffer) chunks.push(chunk);
  const operation = String(request.headers['x-amz-target']).replace(/^.*\./, '');
  const parsed: unknown = JSON.parse(Buffer.concat(chunks).toString() || '{}');
  const body =
    typeof parsed === 'object' && parsed !== null ? Object.fromEntries(Object.entries(parsed)) : {};
  const pass = async (changed = body): Promise<FrontAnswer> => {
    if (emulator === null) throw new Error('there is nothing behind');
    const reply = await fetch(emulator, {
      method: 'POST',
      headers: {
        'content-type': String(request.headers['content-type']),
        'x-amz-target': String(request.headers['x-amz-target']),
        authorization: String(request.headers.authorization),
        'x-amz-date': String(request.headers['x-amz-date']),
      },
      body: JSON.stringify(changed),
    });
    return { status: reply.status, body: await reply.text() };
  };
  return (await rule({ operation, body, pass })) ?? pass();
}

function write(response: ServerResponse, { status, body, type }: FrontAnswer): void {
  response.writeHead(status, { 'content-type': type ?? 'application/x-amz-json-1.1' });
  response.end(body);
}
