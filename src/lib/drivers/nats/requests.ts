/**
 * Requests of core NATS: published once with an inbox to answer to, to whoever listens just now. The server says at once where
 * nobody does (status 503, "no responders").
 */
import { createInbox } from '@nats-io/transport-node';
import type { Msg, NatsConnection } from '@nats-io/transport-node';
import { FailedError } from '../../errors.ts';
import type { OutgoingMessage } from '../../message/message.ts';
import type { Reply, Requests, RequestToSend } from '../driver.ts';
import { coreSubject } from './core-subject.ts';
import { lostConnection, plain } from './failures.ts';
import { encode, toMessage } from './message-codec.ts';
import type { Encoded } from './message-codec.ts';
import { Refusals, notAllowed } from './refusals.ts';
import type { Session } from './session.ts';

const noResponders = 503;
/** So many wait for whoever takes them; what comes beyond ends the request. */
const waitingAtMost = 10_000;

/** `send` throws `FailedError`, too, where replies come faster than they are taken. */
export function requests(session: Session): Requests {
  return {
    async appraise(channel, signal) {
      const { subject, capturedBy } = await coreSubject(session, channel, signal);
      return capturedBy === null
        ? []
        : [
            `the stream "${capturedBy}" captures "${subject}": it stores each request, and its acknowledgement is one of the replies`,
          ];
    },
    async *send(request, signal) {
      const connection = await session.connection(signal);
      const { subject } = await coreSubject(session, request.channel, signal);
      const encoded = encoding(request.message, connection);
      yield* replies(session, connection, { ...request, subject, encoded }, signal);
    },
  };
}

type Sendable = Exclude<Encoded, { readonly refused: string }>;

function encoding(message: OutgoingMessage, { info }: NatsConnection): Sendable {
  const encoded = encode(message);
  const rejected = (reason: string) => new FailedError(`it was not sent: ${reason}`, { code: 'REJECTED' });
  if ('refused' in encoded) throw rejected(encoded.refused);
  const most = info?.max_payload ?? Infinity;
  if (encoded.bytes > most)
    throw rejected(`it is too large: ${String(encoded.bytes)} bytes, and the server takes ${String(most)}`);
  return encoded;
}

async function* replies(
  session: Session,
  connection: NatsConnection,
  request: RequestToSend & { readonly subject: string; readonly encoded: Sendable },
  signal: AbortSignal,
): AsyncGenerator<Reply> {
  const { channel, subject, encoded, replies: wanted, gapMs } = request;
  const { timeoutMs, target } = session;
  const arrived: Msg[] = [];
  const failures: Error[] = [];
  let wake: () => void = () => undefined;
  const fail = (error: Error) => {
    failures.push(error);
    wake();
  };
  const inbox = createInbox(session.address.inboxPrefix ?? undefined);
  const subscription = connection.subscribe(inbox, {
    callback: (error, message) => {
      if (error !== null) return fail(error);
      if (arrived.length >= waitingAtMost)
        return fail(new FailedError(`more than ${String(waitingAtMost)} replies came at once`));
      arrived.push(message);
      wake();
    },
  });
  const refusals = new Refusals(connection);
  refusals.onRefused((refused) => {
    if (refused === subject)
      fail(new FailedError(`it was not sent: ${notAllowed(subject)}`, { code: 'REJECTED' }));
  });
  void connection.closed().then(() => fail(lostConnection(target, undefined)));
  const onAbort = () => wake();
  signal.addEventListener('abort', onAbort);
  try {
    connection.publish(subject, encoded.data, { reply: inbox, headers: encoded.headers });
    for (let count = 0; wanted === null || count < wanted;) {
      const [message] = arrived.splice(0, 1);
      if (message !== undefined) {
        if (message.headers?.code === noResponders && message.data.length === 0)
          throw new FailedError(`nobody listens on "${subject}" at ${target}`, {
            code: 'NO_RESPONDERS',
            hint: 'nothing was stored: ask again when a service has subscribed to it',
          });
        count += 1;
        yield replyOf(channel, message);
        continue;
      }
      signal.throwIfAborted();
      const [failure] = failures;
      if (failure !== undefined) throw failure;
      const came = await arrivesWithin(count === 0 ? timeoutMs : gapMs, (resolve) => (wake = resolve));
      if (came) continue;
      if (count > 0) return;
      throw new FailedError(`no reply from "${subject}" within ${String(timeoutMs)} ms`, {
        code: 'NO_REPLY',
        hint: 'somebody listens and may have received it: raise --timeout to wait longer',
      });
    }
  } finally {
    signal.removeEventListener('abort', onAbort);
    refusals.stop();
    subscription.unsubscribe();
  }
}

/** false: nothing happened for so long. */
async function arrivesWithin(milliseconds: number, listen: (resolve: () => void) => void): Promise<boolean> {
  let timer: NodeJS.Timeout | undefined;
  const happened = await new Promise<boolean>((resolve) => {
    listen(() => resolve(true));
    timer = setTimeout(() => resolve(false), milliseconds);
  });
  clearTimeout(timer);
  return happened;
}

/** A service of NATS says in two headers that it failed (ADR-32, "Service API"). */
function replyOf(channel: string, message: Msg): Reply {
  const { headers = null, data, subject } = message;
  const words = headers?.get('Nats-Service-Error') ?? '';
  const code = headers?.get('Nats-Service-Error-Code') ?? '';
  const answered = toMessage(channel, { seq: 0, subject, time: 0, headers, data });
  // The inbox that it came to is nothing to anyone, and there is neither a place nor a time.
  const properties = Object.fromEntries(
    Object.entries(answered.properties).filter(([name]) => name !== 'subject'),
  );
  return {
    message: { ...answered, properties, offset: null, timestamp: null, timestampType: null },
    error: words === '' && code === '' ? null : plain([code, words].filter((part) => part !== '').join(' ')),
  };
}
