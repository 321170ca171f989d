/** Looking: by sequence, without a consumer, so nothing is left behind and nobody else notices. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Message } from '../../message/message.ts';
import { UsageError } from '../../errors.ts';
import type { Appraisal, Look, Looking, LookRequest } from '../driver.ts';
import { consumersOf } from './consumers.ts';
import { followPauseMs } from './follow-pause.ts';
import { appraiseDead, lookAtDead } from './look-dead.ts';
import { toMessage } from './message-codec.ts';
import { only, sequenceOf } from './place-in-stream.ts';
import type { Session } from './session.ts';
import { readStored } from './stored-messages.ts';
import { messagesAt, placeOf, streamPlace } from './streams.ts';
import type { StreamPlace } from './streams.ts';

/** Opening throws `NotFoundError`, `UsageError` for partitions, and for a position that a stream has not got. */
export function look(session: Session): Look {
  return {
    async appraise(channel, signal) {
      const place = await placeOf(session, channel, signal);
      if (place.kind === 'dead') return appraiseDead(session, place, signal);
      const consumers = await consumersOf(session, place.info.config.name, signal);
      const appraisal: Appraisal = {
        cost: 'free',
        waiting: await messagesAt(session, place, signal),
        consumers: consumers.length,
        deadLetterChannel: false,
        deliveryLimit: null,
        longestHoldMs: null,
      };
      return appraisal;
    },
    async open(request, signal) {
      if (request.partitions !== null)
        throw new UsageError('a stream of NATS has no partitions', { hint: 'leave --partition out' });
      const place = await placeOf(session, request.channel, signal);
      if (place.kind === 'dead') return lookAtDead(session, place, request, signal);
      return lookAtStream(session, place, request, signal);
    },
  };
}

async function lookAtStream(
  session: Session,
  place: StreamPlace,
  request: LookRequest,
  signal: AbortSignal,
): Promise<Looking> {
  const { info, channel } = place;
  const from = await sequenceOf(session, place, only(request.from, channel), null, signal);
  const end = info.state.last_seq + 1;
  const until =
    request.until === null
      ? null
      : await sequenceOf(session, place, only(request.until, channel), null, signal);
  const last = request.follow ? until : Math.min(until ?? end, end);
  let looked = 0;

  async function* batches(): AsyncGenerator<readonly Message[]> {
    let next = from;
    let stream = info;
    for (;;) {
      const to = Math.min(last ?? Infinity, stream.state.last_seq + 1);
      for await (const stored of readStored(
        session,
        { stream, filter: place.filter, from: next, until: to },
        signal,
      )) {
        const left = request.limit === null ? stored.length : request.limit - looked;
        const taken = stored.slice(0, left);
        looked += taken.length;
        if (taken.length > 0) yield taken.map((one) => toMessage(channel, one));
        if (looked === request.limit) return;
      }
      next = Math.max(next, to);
      if (last !== null && next >= last) return;
      if (!request.follow) return;
      await sleep(followPauseMs, undefined, { signal });
      stream = (await streamPlace(session, stream.config.name, signal)).info;
    }
  }

  return {
    batches: batches(),
    expected:
      last === null || place.filter !== null
        ? null
        : Math.max(0, last - Math.max(from, info.state.first_seq)),
    report: () => ({ looked, hiddenMs: null, deliveryCount: null }),
  };
}
