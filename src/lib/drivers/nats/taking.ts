/** From where messages are taken away without a consumer of their own, and what each stands for. */
import type { ClaimRequest } from '../driver.ts';
import { deadPlaceOf, originalsOf, readAdvisory } from './advisories.ts';
import type { Taken } from './consumer-claiming.ts';
import { apiCode, apiCodes } from './failures.ts';
import { toMessage } from './message-codec.ts';
import type { Session } from './session.ts';
import { readStored } from './stored-messages.ts';
import type { StreamPlace } from './streams.ts';

export interface Taking {
  readonly channel: string;
  /** The stream that holds what is taken away. */
  readonly stream: string;
  /** Of these subjects only; empty: all. */
  readonly filters: readonly string[];
  readonly workqueue: boolean;
  /** What all consumers acknowledged is removed by the stream itself. */
  readonly removedByAck: boolean;
  readonly toMessages: Taken;
  /** Takes one away, by its sequence in that stream. false: it was gone. */
  readonly remove: (seq: number) => Promise<boolean>;
}

/** From a stream or a subject of it; all retentions but `limits` remove what is acknowledged. */
export function streamTaking(session: Session, { info, filter, channel }: StreamPlace): Taking {
  const { name, retention } = info.config;
  return {
    channel,
    stream: name,
    filters: filter === null ? [] : [filter],
    workqueue: retention === 'workqueue',
    removedByAck: retention !== 'limits',
    toMessages: async (all) => all.map((stored) => toMessage(channel, stored)),
    remove: (seq) => removeStored(session, name, seq),
  };
}

/**
 * What is taken away is the advisory. The original goes first where that was asked for: a run that ends in between finds the
 * advisory again, and not a message that nobody knows of.
 */
export async function deadTaking(
  session: Session,
  name: { readonly stream: string; readonly consumer: string },
  { originals }: Pick<ClaimRequest, 'originals'>,
  signal: AbortSignal,
): Promise<Taking> {
  const { captured, channel, filters, stream } = await deadPlaceOf(session, name, signal);
  const { info, filter } = captured;
  /** The advisories of each message, the first first. */
  const about = new Map<number, number[]>();
  const until = info.state.last_seq + 1;
  for await (const stored of readStored(session, { stream: info, filter, from: 1, until }, signal))
    for (const advisory of stored.map(readAdvisory))
      if (advisory !== null) note(about, advisory.messageSeq, advisory.seq);
  const messageOf = new Map<number, number>();
  for (const [messageSeq, seqs] of about) for (const seq of seqs) messageOf.set(seq, messageSeq);
  const capture = info.config.name;

  return {
    channel,
    stream: capture,
    filters,
    workqueue: info.config.retention === 'workqueue',
    removedByAck: info.config.retention !== 'limits',
    async toMessages(all, _deliveries, stop) {
      const advisories = all.map(readAdvisory);
      for (const advisory of advisories) {
        if (advisory === null || messageOf.has(advisory.seq)) continue;
        note(about, advisory.messageSeq, advisory.seq);
        messageOf.set(advisory.seq, advisory.messageSeq);
      }
      // A second one says nothing new: it goes with the first.
      const first = advisories.filter(
        (advisory) => advisory !== null && about.get(advisory.messageSeq)?.[0] === advisory.seq,
      );
      const known = first.filter((advisory) => advisory !== null);
      const messages = await originalsOf(session, channel, known, stop);
      const bySeq = new Map(known.map(({ seq }, at) => [seq, messages[at] ?? null]));
      return all.map(({ seq }) => bySeq.get(seq) ?? null);
    },
    async remove(seq) {
      const messageSeq = messageOf.get(seq);
      if (messageSeq === undefined) return removeStored(session, capture, seq);
      if (about.get(messageSeq)?.[0] !== seq) return removeStored(session, capture, seq);
      if (originals === 'delete') await removeStored(session, stream, messageSeq);
      const [, ...again] = about.get(messageSeq) ?? [];
      for (const other of again) await removeStored(session, capture, other);
      return removeStored(session, capture, seq);
    },
  };
}

function note(about: Map<number, number[]>, messageSeq: number, seq: number): void {
  const known = about.get(messageSeq);
  if (known === undefined) about.set(messageSeq, [seq]);
  else known.push(seq);
}

/** false: somebody else took it away. Not ended by an abort: what was moved has to be taken away. */
async function removeStored(session: Session, stream: string, seq: number): Promise<boolean> {
  const signal = AbortSignal.timeout(session.timeoutMs * 2);
  try {
    return await session.ask(
      `stream "${stream}"`,
      ({ streams }) => streams.deleteMessage(stream, seq, false),
      signal,
    );
  } catch (error) {
    const code = apiCode(error instanceof Error ? error.cause : null);
    if (code === apiCodes.noMessageFound || code === apiCodes.sequenceNotFound) return false;
    throw error;
  }
}
