/** Looking at what a consumer gave up: the captured advisories, each as the message that it is about, once. */
import { setTimeout as sleep } from 'node:timers/promises';
import type { Message } from '../../message/message.ts';
import type { Appraisal, Looking, LookRequest } from '../driver.ts';
import { deadPlaceOf, originalsOf, readAdvisory } from './advisories.ts';
import { followPauseMs } from './follow-pause.ts';
import { only, sequenceOf } from './place-in-stream.ts';
import type { Session } from './session.ts';
import { readStored } from './stored-messages.ts';
import { streamPlace } from './streams.ts';

interface DeadName {
  readonly stream: string;
  readonly consumer: string;
}

/** Throws `NotFoundError` where nothing captures it, or there is no such consumer. */
export async function appraiseDead(
  session: Session,
  name: DeadName,
  signal: AbortSignal,
): Promise<Appraisal> {
  const { count } = await deadPlaceOf(session, name, signal);
  return {
    cost: 'free',
    waiting: count,
    consumers: 0,
    deadLetterChannel: true,
    deliveryLimit: null,
    longestHoldMs: null,
  };
}

/** Positions are those of the stream that captures. Throws `NotFoundError`, `UsageError`. */
export async function lookAtDead(
  session: Session,
  name: DeadName,
  request: LookRequest,
  signal: AbortSignal,
): Promise<Looking> {
  const { captured, channel } = await deadPlaceOf(session, name, signal);
  const { info, filter } = captured;
  const from = await sequenceOf(session, captured, only(request.from, channel), null, signal);
  const end = info.state.last_seq + 1;
  const until =
    request.until === null
      ? null
      : await sequenceOf(session, captured, only(request.until, channel), null, signal);
  const last = request.follow ? until : Math.min(until ?? end, end);
  let looked = 0;

  async function* batches(): AsyncGenerator<readonly Message[]> {
    // The server may tell of one message twice, after a change of its leader.
    const seen = new Set<number>();
    let next = from;
    let stream = info;
    for (;;) {
      const to = Math.min(last ?? Infinity, stream.state.last_seq + 1);
      for await (const stored of readStored(session, { stream, filter, from: next, until: to }, signal)) {
        const advisories = stored.map(readAdvisory).filter((one) => one !== null);
        const fresh = advisories.filter(({ messageSeq }) => !seen.has(messageSeq) && seen.add(messageSeq));
        const taken = fresh.slice(0, request.limit === null ? fresh.length : request.limit - looked);
        looked += taken.length;
        if (taken.length > 0) yield await originalsOf(session, channel, taken, signal);
        if (looked === request.limit) return;
      }
      next = Math.max(next, to);
      if (!request.follow || (last !== null && next >= last)) return;
      await sleep(followPauseMs, undefined, { signal });
      stream = (await streamPlace(session, stream.config.name, signal)).info;
    }
  }

  return {
    batches: batches(),
    expected: null,
    report: () => ({ looked, hiddenMs: null, deliveryCount: null }),
  };
}
