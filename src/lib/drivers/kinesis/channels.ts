import { ListStreamsCommand } from '@aws-sdk/client-kinesis';
import { NotFoundError } from '../../errors.ts';
import { globMatches } from '../../message/glob.ts';
import type { ChannelSummary } from '../driver.ts';
import type { Session } from './session.ts';
import { streamNamed } from './streams.ts';
import type { Stream } from './streams.ts';

const pageSize = 1_000;
/** So many streams are described at once: AWS allows 20 a second in an account. */
const atOnce = 10;

/** The streams of this region and account. */
export async function* kinesisChannels(
  session: Session,
  { match }: { readonly match: string | null },
  signal: AbortSignal,
): AsyncGenerator<ChannelSummary> {
  let after: string | undefined;
  for (;;) {
    const input = { Limit: pageSize, ...(after === undefined ? {} : { ExclusiveStartStreamName: after }) };
    const page = await session.ask(
      (client, options) => client.send(new ListStreamsCommand(input), options),
      signal,
    );
    const names = page.StreamNames ?? [];
    const wanted = names.filter((name) => globMatches(match, name));
    for (let index = 0; index < wanted.length; index += atOnce) {
      const some = wanted.slice(index, index + atOnce);
      const described = await Promise.all(some.map((name) => stillThere(session, name, signal)));
      for (const stream of described) if (stream !== null) yield summaryOf(stream);
    }
    after = names.at(-1);
    if (page.HasMoreStreams !== true || after === undefined) return;
  }
}

/** `consumers` are the registered ones; others just read, and nobody counts them. */
export function summaryOf({ name, mode, openShards, consumers }: Stream): ChannelSummary {
  return {
    channel: name,
    type: mode,
    partitions: openShards,
    // Kinesis counts nothing that is stored.
    messages: null,
    approximate: false,
    consumers,
    bytes: null,
  };
}

/** null for one that was deleted since it was listed. */
async function stillThere(session: Session, name: string, signal: AbortSignal): Promise<Stream | null> {
  try {
    return await streamNamed(session, name, signal);
  } catch (error) {
    if (error instanceof NotFoundError) return null;
    throw error;
  }
}
