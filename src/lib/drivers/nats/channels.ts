/** The streams, and what consumers gave up where that is captured. Streams of the server's own events are internal. */
import type { StreamInfo } from '@nats-io/jetstream';
import { globMatches } from '../../message/glob.ts';
import type { ChannelSummary } from '../driver.ts';
import { capturedConsumers, captures } from './advisories.ts';
import { deadChannel } from './channel-name.ts';
import { consumersOf } from './consumers.ts';
import type { Session } from './session.ts';
import { streamsOf, unlessDeleted } from './streams.ts';

const deadType = 'dead letters';

/**
 * `match` is a glob of `message/glob.ts`; null for all. `internal`: the streams of the server's own events, too. A stream that is
 * deleted meanwhile is left out.
 */
export async function* listChannels(
  session: Session,
  { match, internal }: { readonly match: string | null; readonly internal: boolean },
  signal: AbortSignal,
): AsyncGenerator<ChannelSummary> {
  for (const info of await streamsOf(session, null, signal))
    if (globMatches(match, info.config.name) && (internal || !isOfTheServer(info))) {
      const summary = await unlessDeleted(summaryOf(session, info, signal));
      if (summary !== null) yield summary;
    }
  for (const info of await captures(session, signal))
    for (const { stream, consumer, count } of await capturedConsumers(session, info, signal)) {
      const channel = deadChannel(stream, consumer);
      if (globMatches(match, channel)) yield deadSummary(channel, count);
    }
}

/** It holds what the server tells of itself, and no messages of anyone's. */
function isOfTheServer({ config: { subjects = [] } }: StreamInfo): boolean {
  return subjects.length > 0 && subjects.every((subject) => subject.startsWith('$JS.EVENT.'));
}

/** `messages` and `bytes` are of the time of `info`; consumers are asked for now, and this tool's own do not count. */
export async function summaryOf(
  session: Session,
  info: StreamInfo,
  signal: AbortSignal,
): Promise<ChannelSummary> {
  const { config, state } = info;
  const consumers = state.consumer_count === 0 ? [] : await consumersOf(session, config.name, signal);
  return {
    channel: config.name,
    type: 'stream',
    partitions: null,
    messages: state.messages,
    approximate: false,
    consumers: consumers.length,
    bytes: state.bytes,
  };
}

/** Of what a consumer gave up; `count` is how many advisories of that were captured. */
export function deadSummary(channel: string, count: number): ChannelSummary {
  return {
    channel,
    type: deadType,
    partitions: null,
    messages: count,
    approximate: false,
    consumers: 0,
    bytes: null,
  };
}
