import type { ChannelDescription } from '../driver.ts';
import { captures, deadPlaceOf } from './advisories.ts';
import { deadSummary, summaryOf } from './channels.ts';
import { deadChannel } from './channel-name.ts';
import { readersAt } from './readers.ts';
import type { Session } from './session.ts';
import { messagesAt, ownDescription, placeOf } from './streams.ts';

/** Throws `NotFoundError`. */
export async function describeChannel(
  session: Session,
  channel: string,
  signal: AbortSignal,
): Promise<ChannelDescription> {
  const place = await placeOf(session, channel, signal);
  if (place.kind === 'dead') {
    const { count, captured, stream } = await deadPlaceOf(session, place, signal);
    return {
      ...deadSummary(channel, count),
      partitionList: [],
      settings: { 'captured by': captured.info.config.name },
      bindings: [],
      groups: [],
      deadLetter: null,
      deadLetterOf: [stream],
      unknown: [],
    };
  }
  const { info, kind } = place;
  const readers = await readersAt(session, place, signal);
  const [capture] = await captures(session, signal);
  const dying = readers.filter(({ config }) => (config.max_deliver ?? 0) > 0);
  const [first, ...others] = dying;
  return {
    ...(await summaryOf(session, info, signal)),
    ...(kind === 'subject' && {
      channel,
      type: 'subject',
      messages: await messagesAt(session, place, signal),
      bytes: null,
    }),
    consumers: readers.length,
    partitionList: [],
    // Every message of a stream gets the next number.
    ...(kind === 'stream' && { arrived: info.state.last_seq }),
    settings: ownDescription(info),
    bindings: [],
    groups: readers.map(({ name }) => name),
    deadLetter:
      first === undefined || others.length > 0 || capture === undefined
        ? null
        : {
            channel: deadChannel(info.config.name, first.name),
            how: `advisories captured by ${capture.config.name}`,
          },
    deadLetterOf: [],
    unknown:
      dying.length > 0 && capture === undefined
        ? [
            `what ${dying.map(({ name }) => `"${name}"`).join(', ')} gave up: nothing captures it (mqctl dlq watch --install)`,
          ]
        : [],
  };
}
