import { randomUUID } from 'node:crypto';
import { FailedError, UnreachableError } from '../../errors.ts';
import type { HeldLease, Lease, LeaseHolder } from '../driver.ts';
import { companionKey } from './companion-key.ts';
import { numberOrNull, textOf } from './reply.ts';
import type { Link } from './link.ts';
import { exhaustedOf } from './place.ts';
import { keepLease, takeLease } from './scripts.ts';
import { requireStream } from './streams.ts';

const renewMs = 2_000;
/** Without a renewal for so long, its holder is gone. */
const silentMs = 30_000;

/** One operator for each channel: a key beside the stream, which goes when nobody renews it. */
export class RedisLease implements Lease {
  readonly #link: Link;

  constructor(link: Link) {
    this.#link = link;
  }

  async acquire(
    channel: string,
    holder: LeaseHolder,
    takeOver: boolean,
    signal: AbortSignal,
  ): Promise<HeldLease> {
    const exhausted = await exhaustedOf(this.#link, channel, signal);
    await requireStream(this.#link, exhausted?.stream ?? channel, signal);
    const key = companionKey(exhausted?.stream ?? channel, 'lease', channel) ?? `mqctl:lease:${channel}`;
    const token = randomUUID();
    const words = [key, token, String(silentMs), JSON.stringify(holder), takeOver ? '1' : '0'];
    const answer = await this.#link.run(takeLease, words, null);
    if (numberOrNull(answer) !== 1) throw heldError(channel, this.#link.target, textOf(answer));
    const held = new KeyLease(this.#link, key, token);
    if (!signal.aborted) return held;
    await held.release();
    throw signal.reason;
  }
}

function heldError(channel: string, target: string, text: string): FailedError {
  const holder: unknown = JSON.parse(text.slice(text.indexOf(' ') + 1));
  const of = (name: string): unknown =>
    typeof holder === 'object' && holder !== null ? Reflect.get(holder, name) : undefined;
  const since = of('since');
  const at = typeof since === 'number' ? ` since ${new Date(since).toISOString()}` : '';
  return new FailedError(
    `"${channel}" at ${target} is held by ${String(of('who'))} on ${String(of('host'))}${at}`,
    {
      code: 'HELD',
      retriable: true,
      hint: `wait until it is done (one that was killed holds it for ${String(silentMs / 1_000)} s), or end it knowingly with --take-over`,
    },
  );
}

class KeyLease implements HeldLease {
  readonly lost: AbortSignal;
  readonly #link: Link;
  readonly #key: string;
  readonly #token: string;
  readonly #timer: NodeJS.Timeout;
  #renewedAt = Date.now();
  #released = false;

  constructor(link: Link, key: string, token: string) {
    this.#link = link;
    this.#key = key;
    this.#token = token;
    const loss = new AbortController();
    this.lost = loss.signal;
    this.#timer = setInterval(() => void this.#renew(loss), renewMs);
    this.#timer.unref();
  }

  async release(): Promise<void> {
    if (this.#released) return;
    this.#released = true;
    clearInterval(this.#timer);
    await this.#keep('0');
  }

  async #renew(loss: AbortController): Promise<void> {
    try {
      if (await this.#keep(String(silentMs))) {
        this.#renewedAt = Date.now();
        return;
      }
    } catch (error) {
      // The next one makes it good, as long as it comes before the key is gone.
      if (!(error instanceof UnreachableError) || Date.now() - this.#renewedAt < silentMs) return;
    }
    if (this.#released) return;
    clearInterval(this.#timer);
    const message = 'the lease was lost: someone else has taken over, or the server was away for too long';
    loss.abort(new FailedError(message, { code: 'LEASE_LOST' }));
  }

  async #keep(milliseconds: string): Promise<boolean> {
    return numberOrNull(await this.#link.run(keepLease, [this.#key, this.#token, milliseconds], null)) === 1;
  }
}
