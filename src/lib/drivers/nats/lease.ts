/**
 * One operator for each channel: a consumer that reads nothing, whose making the server grants to one only. Its metadata says
 * who holds it; it lives as long as its holder asks, and is removed by the server soon after.
 */
import { createHash } from 'node:crypto';
import { AckPolicy, DeliverPolicy } from '@nats-io/jetstream';
import { createInbox, nanos } from '@nats-io/transport-node';
import { FailedError, NotFoundError } from '../../errors.ts';
import type { HeldLease, Lease, LeaseHolder } from '../driver.ts';
import { deadPlaceOf } from './advisories.ts';
import { ownPrefix } from './consumers.ts';
import { apiCode, apiCodes } from './failures.ts';
import type { Session } from './session.ts';
import { placeOf } from './streams.ts';

/** So long after its holder asked for the last time. */
const outlivesMs = 15_000;
const askEveryMs = 4_000;
/** Nothing is ever published there. */
const nothing = 'mqctl.lease';

/** Throws `NotFoundError` for the channel, `FailedError` with code `HELD` where somebody else has it. */
export function lease(session: Session): Lease {
  return {
    async acquire(channel, holder, takeOver, signal) {
      const place = await placeOf(session, channel, signal);
      const info =
        place.kind === 'dead' ? (await deadPlaceOf(session, place, signal)).captured.info : place.info;
      const stream = info.config.name;
      const name = `${ownPrefix}lease-${createHash('sha256').update(channel).digest('hex').slice(0, 16)}`;
      if (takeOver) await remove(session, stream, name, signal);
      try {
        await session.ask(
          `stream "${stream}"`,
          ({ consumers }) =>
            consumers.add(stream, {
              name,
              ack_policy: AckPolicy.Explicit,
              // A work queue takes no other; the filter keeps it from ever getting anything.
              deliver_policy: info.config.retention === 'workqueue' ? DeliverPolicy.All : DeliverPolicy.New,
              filter_subject: nothing,
              inactive_threshold: nanos(outlivesMs),
              mem_storage: true,
              num_replicas: 1,
              metadata: { who: holder.who, host: holder.host, since: String(holder.since), id: idOf(holder) },
            }),
          signal,
        );
      } catch (error) {
        if (apiCode(error instanceof Error ? error.cause : null) !== apiCodes.consumerExists) throw error;
        throw await held(session, channel, stream, name, signal);
      }
      return keep(session, channel, stream, name, signal);
    },
  };
}

/** The same config made twice would be no refusal. */
function idOf({ who, host, since }: LeaseHolder): string {
  return createHash('sha256')
    .update(`${who}\0${host}\0${String(since)}\0${String(process.pid)}\0${String(performance.now())}`)
    .digest('hex')
    .slice(0, 16);
}

async function keep(
  session: Session,
  channel: string,
  stream: string,
  name: string,
  signal: AbortSignal,
): Promise<HeldLease> {
  const connection = await session.connection(signal);
  const lost = new AbortController();
  let releasing: Promise<void> | null = null;
  const lose = (why: string) => {
    if (releasing !== null) return;
    lost.abort(new FailedError(`the lease of "${channel}" was lost: ${why}`, { code: 'LEASE_LOST' }));
  };
  const inbox = createInbox(session.address.inboxPrefix ?? undefined);
  const subscription = connection.subscribe(inbox, {
    callback: (error, message) => {
      const code = message?.headers?.code ?? 0;
      const words = message?.headers?.description ?? '';
      if (error !== null) lose(error.message);
      else if (code === 503 || (code === 409 && /deleted/i.test(words))) lose('somebody took it over');
    },
  });
  const ask = () => {
    if (connection.isClosed()) return;
    const question = JSON.stringify({ batch: 1, expires: nanos(askEveryMs * 2) });
    connection.publish(`${session.apiPrefix}.CONSUMER.MSG.NEXT.${stream}.${name}`, question, {
      reply: inbox,
    });
  };
  ask();
  await connection.flush();
  const asking = setInterval(ask, askEveryMs);
  asking.unref();
  const stop = () => {
    clearInterval(asking);
    subscription.unsubscribe();
  };
  void connection.closed().then(() => {
    clearInterval(asking);
    lose('the connection to NATS was closed');
  });
  return {
    lost: lost.signal,
    release() {
      releasing ??= (async () => {
        stop();
        // Where it was taken over, what is there now is somebody else's.
        if (lost.signal.aborted || connection.isClosed()) return;
        await remove(session, stream, name, AbortSignal.timeout(session.timeoutMs));
      })();
      return releasing;
    },
  };
}

async function remove(session: Session, stream: string, name: string, signal: AbortSignal): Promise<void> {
  try {
    await session.ask(`consumer "${name}"`, ({ consumers }) => consumers.delete(stream, name), signal);
  } catch (error) {
    if (!(error instanceof NotFoundError)) throw error;
  }
}

async function held(
  session: Session,
  channel: string,
  stream: string,
  name: string,
  signal: AbortSignal,
): Promise<FailedError> {
  const info = await session
    .ask(`consumer "${name}"`, ({ consumers }) => consumers.info(stream, name), signal)
    .catch(() => null);
  const { who = 'someone', host = 'an unknown host', since = '' } = info?.config.metadata ?? {};
  const at = /^\d{1,15}$/.test(since) ? ` since ${new Date(Number(since)).toISOString()}` : '';
  return new FailedError(`"${channel}" at ${session.target} is held by ${who} on ${host}${at}`, {
    code: 'HELD',
    hint: 'wait for it, or use --take-over when you know that it has ended',
  });
}
