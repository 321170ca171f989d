/**
 * Reads what a stream holds, by sequence, without a consumer: in batches where the stream allows direct reads, else one by
 * one through the leader. Nothing is left at the server. The client's own batches are not used: they keep their subscription.
 */
import { createInbox, errors, headers as noHeaders } from '@nats-io/transport-node';
import type { Msg, MsgHdrs } from '@nats-io/transport-node';
import type { StreamInfo } from '@nats-io/jetstream';
import { FailedError } from '../../errors.ts';
import { friendly, plain } from './failures.ts';
import type { StoredMessage } from './message-codec.ts';
import { aborted } from './session.ts';
import type { Session } from './session.ts';

const batchMessages = 256;
const batchBytes = 4 * 1024 * 1024;
/** So many are asked for at once where they come one by one. */
const atOnce = 32;

/** The server adds these to what it read directly, behind the message's own. */
const directHeaders = [
  'Nats-Stream',
  'Nats-Subject',
  'Nats-Sequence',
  'Nats-Time-Stamp',
  'Nats-Last-Sequence',
  'Nats-Num-Pending',
];
const status = { endOfBatch: 204, notFound: 404, noResponders: 503 } as const;

export interface ReadRequest {
  readonly stream: StreamInfo;
  /** Of these subjects only; null: all. */
  readonly filter: string | null;
  /** The first sequence, and the one before which it ends. */
  readonly from: number;
  readonly until: number;
}

/** Throws the errors of `errors.ts`. */
export async function* readStored(
  session: Session,
  request: ReadRequest,
  signal: AbortSignal,
): AsyncGenerator<readonly StoredMessage[]> {
  const { stream, until } = request;
  let next = Math.max(request.from, stream.state.first_seq, 1);
  let direct = stream.config.allow_direct;
  while (next < until) {
    const batch = direct ? await readBatch(session, { ...request, from: next }, signal) : null;
    if (batch === null) {
      direct = false;
      const found = await readOneByOne(session, { ...request, from: next }, signal);
      next = found.next;
      if (found.messages.length > 0) yield found.messages;
      continue;
    }
    const last = batch.messages.at(-1);
    const within = batch.messages.filter(({ seq }) => seq < until);
    if (within.length > 0) yield within;
    if (last === undefined || within.length < batch.messages.length) return;
    next = last.seq + 1;
  }
}

/** One message, or null where it is not there (any more). */
async function storedAt(
  session: Session,
  stream: string,
  seq: number,
  signal: AbortSignal,
): Promise<StoredMessage | null> {
  if (seq < 1) return null;
  const found = await session.ask(
    `stream "${stream}"`,
    ({ streams }) => streams.getMessage(stream, { seq }),
    signal,
  );
  if (found === null) return null;
  return {
    seq: found.seq,
    subject: found.subject,
    time: found.time.getTime(),
    headers: found.header,
    data: found.data,
  };
}

/** Several at once, each where it was asked for. */
export async function storedAtEach(
  session: Session,
  stream: string,
  seqs: readonly number[],
  signal: AbortSignal,
): Promise<(StoredMessage | null)[]> {
  const found: (StoredMessage | null)[] = [];
  for (let at = 0; at < seqs.length; at += atOnce)
    found.push(
      ...(await Promise.all(
        seqs.slice(at, at + atOnce).map((seq) => storedAt(session, stream, seq, signal)),
      )),
    );
  return found;
}

/**
 * The first message at or behind a sequence, or not older than a time, with how many match behind it; null: none is there.
 * `pending` is null where the stream allows no direct reads.
 */
export async function firstStored(
  session: Session,
  stream: StreamInfo,
  filter: string | null,
  start: { readonly seq: number } | { readonly time: number },
  signal: AbortSignal,
): Promise<{ readonly message: StoredMessage; readonly pending: number | null } | null> {
  const from =
    'seq' in start ? { seq: Math.max(start.seq, 1) } : { start_time: new Date(start.time).toISOString() };
  const by = filter === null ? {} : { next_by_subj: filter };
  if (stream.config.allow_direct) {
    const batch = await ask(session, stream, { ...from, ...by, batch: 1 }, signal);
    if (batch !== null) {
      const [message] = batch.messages;
      return message === undefined ? null : { message, pending: batch.pending };
    }
  }
  const { name } = stream.config;
  if ('seq' in start) {
    const seq = Math.max(start.seq, stream.state.first_seq, 1);
    const question = { seq, next_by_subj: filter ?? '>' };
    const found = await session.ask(
      `stream "${name}"`,
      ({ streams }) => streams.getMessage(name, question),
      signal,
    );
    return found === null
      ? null
      : {
          message: {
            seq: found.seq,
            subject: found.subject,
            time: found.time.getTime(),
            headers: found.header,
            data: found.data,
          },
          pending: null,
        };
  }
  const message = await firstNotOlder(session, stream, filter, start.time, signal);
  return message === null ? null : { message, pending: null };
}

/** Times rise with sequences: halving finds the place. */
async function firstNotOlder(
  session: Session,
  stream: StreamInfo,
  filter: string | null,
  time: number,
  signal: AbortSignal,
): Promise<StoredMessage | null> {
  let [low, high] = [stream.state.first_seq, stream.state.last_seq + 1];
  let best: StoredMessage | null = null;
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const found = await firstStored(session, stream, filter, { seq: middle }, signal);
    if (found !== null && found.message.time < time) low = found.message.seq + 1;
    else {
      best = found?.message ?? best;
      high = middle;
    }
  }
  return best;
}

interface Batch {
  readonly messages: readonly StoredMessage[];
  /** How many match behind the last one; null: the server did not say. */
  readonly pending: number | null;
}

function readBatch(
  session: Session,
  { stream, filter, from, until }: ReadRequest,
  signal: AbortSignal,
): Promise<Batch | null> {
  const batch = Math.min(batchMessages, Math.max(1, until - from));
  const by = filter === null ? {} : { next_by_subj: filter };
  return ask(session, stream, { seq: from, batch, max_bytes: batchBytes, ...by }, signal);
}

/** null: nobody answers direct reads of this stream. */
async function ask(
  session: Session,
  stream: StreamInfo,
  question: Readonly<Record<string, string | number>>,
  signal: AbortSignal,
): Promise<Batch | null> {
  const { name } = stream.config;
  const connection = await session.connection(signal);
  const answered = Promise.withResolvers<Batch | null>();
  const messages: StoredMessage[] = [];
  let pending: number | null = null;
  const late = () => answered.reject(new errors.TimeoutError());
  let patience = setTimeout(late, session.timeoutMs);
  const inbox = createInbox(session.address.inboxPrefix ?? undefined);
  const subscription = connection.subscribe(inbox, {
    callback: (error, message) => {
      if (error !== null) return answered.reject(error);
      clearTimeout(patience);
      patience = setTimeout(late, session.timeoutMs);
      const code = message.headers?.code ?? 0;
      if (code === status.noResponders) return answered.resolve(null);
      if (code === status.endOfBatch || code === status.notFound)
        return answered.resolve({ messages, pending });
      if (code !== 0)
        return answered.reject(
          new FailedError(
            `stream "${name}" at ${session.target}: ${plain(message.headers?.description ?? '')}`,
          ),
        );
      try {
        messages.push(directMessage(message));
      } catch (problem) {
        return answered.reject(problem);
      }
      const behind = message.headers?.last('Nats-Num-Pending') ?? '';
      pending = behind === '' ? null : Number(behind);
      // Before 2.11 there are no batches: one answer is all.
      if (behind === '') answered.resolve({ messages, pending });
    },
  });
  void connection.closed().then(() => answered.reject(new errors.ClosedConnectionError()));
  try {
    connection.publish(`${session.apiPrefix}.DIRECT.GET.${name}`, JSON.stringify(question), { reply: inbox });
    return await aborted(answered.promise, signal);
  } catch (error) {
    throw signal.aborted ? error : friendly(error, `stream "${name}"`, session.target, session.timeoutMs);
  } finally {
    clearTimeout(patience);
    subscription.unsubscribe();
  }
}

function directMessage({ headers, data }: Msg): StoredMessage {
  if (headers === undefined) throw new FailedError('a stored message came without its headers');
  const seq = Number(headers.last('Nats-Sequence'));
  const time = Date.parse(headers.last('Nats-Time-Stamp'));
  if (!Number.isSafeInteger(seq) || Number.isNaN(time))
    throw new FailedError('a stored message came without its sequence or time');
  return { seq, time, subject: headers.last('Nats-Subject'), headers: ownHeaders(headers), data };
}

function ownHeaders(all: MsgHdrs): MsgHdrs {
  const own = noHeaders();
  for (const [name, values] of all) {
    const kept = directHeaders.includes(name) ? values.slice(0, -1) : values;
    for (const value of kept) own.append(name, value);
  }
  return own;
}

async function readOneByOne(
  session: Session,
  { stream, filter, from, until }: ReadRequest,
  signal: AbortSignal,
): Promise<{ readonly messages: readonly StoredMessage[]; readonly next: number }> {
  if (filter !== null) {
    const found = await firstStored(
      session,
      { ...stream, config: { ...stream.config, allow_direct: false } },
      filter,
      { seq: from },
      signal,
    );
    if (found === null || found.message.seq >= until) return { messages: [], next: until };
    return { messages: [found.message], next: found.message.seq + 1 };
  }
  const next = Math.min(until, from + atOnce);
  const seqs = Array.from({ length: next - from }, (_, at) => from + at);
  const found = await storedAtEach(session, stream.config.name, seqs, signal);
  return { messages: found.filter((one) => one !== null), next };
}
