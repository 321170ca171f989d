/**
 * Pulls messages for one consumer and keeps what is held within a window: the client's own loops count what was handed out,
 * not what was settled. One request waits at the server all the time, so that others see that somebody reads.
 */
import { createInbox, errors, nanos } from '@nats-io/transport-node';
import type { Msg, NatsConnection, Subscription } from '@nats-io/transport-node';
import { FailedError, NotFoundError } from '../../errors.ts';
import { lostConnection, plain } from './failures.ts';
import type { Session } from './session.ts';

const expiresMs = 30_000;
const status = { badRequest: 400, notFound: 404, conflict: 409, noResponders: 503 } as const;

export interface Delivered {
  /** Where to answer: it names the delivery. */
  readonly reply: string;
  readonly message: Msg;
  readonly seq: number;
  readonly count: number;
  /** Milliseconds since 1970. */
  readonly time: number;
  /** When it came or was last extended, by this process's own clock. */
  heldSince: number;
}

export interface PullRequest {
  readonly stream: string;
  readonly consumer: string;
  /** How many may be held. */
  readonly window: number;
  readonly follow: boolean;
  /** As the consumer limits one request; 0: it does not. */
  readonly batchAtMost: number;
}

export class Pull {
  readonly #session: Session;
  readonly #connection: NatsConnection;
  readonly #request: PullRequest;
  /** The requests that wait, and the one that only asks whether anything is there. Null while nobody is listening. */
  #waiting: Inbox | null = null;
  #probe: Inbox | null = null;
  #arrived: Delivered[] = [];
  #held = 0;
  #awaited = false;
  #wake: () => void = () => undefined;
  #failure: Error | null = null;
  #stopped = false;
  /** The server said that nothing waits. */
  #empty = false;

  constructor(session: Session, connection: NatsConnection, request: PullRequest) {
    this.#session = session;
    this.#connection = connection;
    this.#request = request;
    void connection.closed().then(() => {
      if (!this.#stopped) this.#fail(lostConnection(session.target, undefined));
    });
  }

  /** What arrived, at least one; null: nothing waits, and it does not follow. Throws where the consumer or connection is gone. */
  async next(signal: AbortSignal): Promise<readonly Delivered[] | null> {
    const onAbort = () => this.#wake();
    signal.addEventListener('abort', onAbort);
    this.#awaited = true;
    try {
      for (;;) {
        signal.throwIfAborted();
        if (this.#arrived.length > 0) return this.#arrived.splice(0);
        if (this.#failure !== null) throw this.#failure;
        if (this.#stopped) return null;
        if (this.#empty && !this.#request.follow && this.#held < this.#request.window) return null;
        this.#ask();
        await new Promise<void>((resolve) => (this.#wake = resolve));
      }
    } finally {
      this.#awaited = false;
      signal.removeEventListener('abort', onAbort);
    }
  }

  /** What has come and was not taken yet. */
  get arrived(): readonly Delivered[] {
    return this.#arrived;
  }

  /** So many are not held any more. */
  freed(count: number): void {
    this.#held -= count;
    // What was given back comes again: whether anything waits has to be asked anew.
    if (count > 0) this.#empty = false;
    this.#wake();
  }

  /**
   * Asks for nothing while nobody takes what comes: the time of what is held is nearly over, and whoever else reads shall have
   * it. Does nothing where somebody waits for more.
   */
  pause(): void {
    if (this.#awaited) return;
    this.#waiting?.subscription.unsubscribe();
    this.#probe?.subscription.unsubscribe();
    this.#waiting = null;
    this.#probe = null;
  }

  /** Asks no more; resolves with what arrived and was not taken. */
  async stop(): Promise<readonly Delivered[]> {
    this.#stopped = true;
    this.#wake();
    // What is on its way still comes, to be given back.
    if (!this.#connection.isClosed())
      for (const inbox of [this.#waiting, this.#probe])
        await inbox?.subscription.drain().catch(() => undefined);
    return this.#arrived.splice(0);
  }

  #ask(): void {
    const { window, follow, batchAtMost } = this.#request;
    const free = window - this.#held - (this.#waiting?.asked ?? 0) - (this.#probe?.asked ?? 0);
    // The server answers this one at once, also where the other request waits in vain.
    const probing = !follow && free > 0 && (this.#probe?.asked ?? 0) === 0 && !this.#empty;
    const more = probing ? free - 1 : free;
    if (more > 0) {
      this.#waiting ??= this.#listen(false);
      this.#send(this.#waiting, {
        batch: batchAtMost > 0 ? Math.min(more, batchAtMost) : more,
        expires: nanos(expiresMs),
      });
    }
    if (probing) {
      this.#probe ??= this.#listen(true);
      this.#send(this.#probe, { batch: 1, no_wait: true });
    }
  }

  #listen(probe: boolean): Inbox {
    const subject = createInbox(this.#session.address.inboxPrefix ?? undefined);
    const inbox: Inbox = {
      subject,
      asked: 0,
      subscription: this.#connection.subscribe(subject, {
        callback: (error, message) => this.#onMessage(inbox, probe, error, message),
      }),
    };
    return inbox;
  }

  #send(
    inbox: Inbox,
    question: { readonly batch: number; readonly expires?: number; readonly no_wait?: true },
  ): void {
    const { stream, consumer } = this.#request;
    inbox.asked += question.batch;
    const subject = `${this.#session.apiPrefix}.CONSUMER.MSG.NEXT.${stream}.${consumer}`;
    this.#connection.publish(subject, JSON.stringify(question), { reply: inbox.subject });
  }

  #onMessage(inbox: Inbox, probe: boolean, error: Error | null, message: Msg): void {
    if (error !== null) return this.#fail(error);
    const code = message.headers?.code ?? 0;
    if (code !== 0) return this.#onStatus(inbox, probe, code, message);
    const delivered = deliveredOf(message);
    if (delivered === null) return;
    this.#held += 1;
    inbox.asked = Math.max(0, inbox.asked - 1);
    this.#arrived.push(delivered);
    this.#wake();
  }

  #onStatus(inbox: Inbox, probe: boolean, code: number, message: Msg): void {
    const { stream, consumer } = this.#request;
    const words = plain(message.headers?.description ?? '');
    const refuses = (why: string) => new FailedError(`the consumer "${consumer}" cannot be read: ${why}`);
    if (code === status.noResponders)
      return this.#fail(new NotFoundError('consumer', consumer, `"${stream}"`));
    if (code === status.badRequest) return this.#fail(refuses(words));
    if (code === status.conflict && /deleted/i.test(words))
      return this.#fail(new NotFoundError('consumer', consumer, `"${stream}"`));
    if (code === status.conflict && /exceeded|push/i.test(words)) return this.#fail(refuses(words));
    if (probe) {
      inbox.asked = 0;
      if (code === status.notFound) this.#empty = true;
    } else {
      const left = Number(message.headers?.get('Nats-Pending-Messages') ?? '');
      inbox.asked = left > 0 ? Math.max(0, inbox.asked - left) : 0;
    }
    this.#wake();
  }

  #fail(failure: Error): void {
    this.#failure ??= failure;
    this.#wake();
  }
}

interface Inbox {
  readonly subject: string;
  readonly subscription: Subscription;
  /** Asked for and neither come nor refused. */
  asked: number;
}

/** `$JS.ACK.<stream>.<consumer>.<count>.<seq>.…`, or with domain and account before the stream. */
function deliveredOf(message: Msg): Delivered | null {
  const { reply } = message;
  const tokens = reply?.split('.') ?? [];
  const at = tokens.length === 9 ? 4 : tokens.length >= 11 ? 6 : -1;
  if (reply === undefined || at === -1 || tokens[0] !== '$JS' || tokens[1] !== 'ACK') return null;
  const [count, seq, nanoseconds] = [Number(tokens[at]), Number(tokens[at + 1]), tokens[at + 3] ?? ''];
  if (!Number.isSafeInteger(seq) || !/^\d+$/.test(nanoseconds)) return null;
  const time = Number(BigInt(nanoseconds) / 1_000_000n);
  return { reply, message, seq, count, time, heldSince: performance.now() };
}

/** A consumer answers to `+ACK`, `-NAK`, `+WPI` and `+TERM`, which may have a reason behind it. Throws the client's own errors. */
export async function answerDelivery(
  connection: NatsConnection,
  reply: string,
  word: '+ACK' | '-NAK' | '+WPI' | `+TERM ${string}`,
  timeoutMs: number,
): Promise<void> {
  if (connection.isClosed()) throw new errors.ClosedConnectionError();
  await connection.request(reply, word, { timeout: timeoutMs });
}
