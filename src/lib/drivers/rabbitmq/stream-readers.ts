/**
 * Who reads streams by a name: the protocol lists neither names nor readers, so this is what the management API of the plugin
 * `rabbitmq_stream_management` tells.
 */
import type { GroupMember } from '../driver.ts';
import { FailedError } from '../../errors.ts';
import { numberOf, objectOf, objectsOf, textOf } from './json.ts';
import type { ManagementApi } from './management.ts';

/** Why it cannot be told who reads a stream. */
export const readersUntold =
  'the management API of the plugin rabbitmq_stream_management tells them alone, and it is not there';

export interface StreamReader {
  readonly stream: string;
  /** The name under which it stores offsets; null: it has none. */
  readonly reference: string | null;
  readonly member: GroupMember;
}

/** Those that are connected now. null: the plugin that tells is not there. */
export async function streamReaders(
  api: ManagementApi,
  vhost: string,
  signal: AbortSignal,
): Promise<readonly StreamReader[] | null> {
  const answer = await api.get(`/api/stream/consumers/${encodeURIComponent(vhost)}`, signal);
  return answer === null ? null : objectsOf(answer).map(parseReader);
}

/** Names under which offsets are stored in a stream. null: the plugin that tells is not there, or its statistics are off. */
export async function storedReferences(
  api: ManagementApi,
  vhost: string,
  stream: string,
  signal: AbortSignal,
): Promise<readonly string[] | null> {
  const path = `/api/stream/${encodeURIComponent(vhost)}/${encodeURIComponent(stream)}/tracking?type=offset`;
  try {
    const answer = await api.get(path, signal);
    // The offsets that stand there are no numbers of JavaScript: they are asked for by the protocol.
    return answer === null ? null : Object.keys(objectOf(objectOf(answer)['offsets']));
  } catch (error) {
    signal.throwIfAborted();
    if (error instanceof FailedError) return null;
    throw error;
  }
}

function parseReader(answer: unknown): StreamReader {
  const consumer = objectOf(answer);
  const queue = objectOf(consumer['queue']);
  const connection = objectOf(consumer['connection_details']);
  const stream = textOf(queue['name']) ?? '';
  return {
    stream,
    reference: textOf(objectOf(consumer['properties'])['name']),
    member: {
      id: `${textOf(connection['name']) ?? ''} ${String(numberOf(consumer['subscription_id']) ?? '')}`.trim(),
      client: textOf(connection['user_provided_name']) ?? textOf(connection['name']),
      host: textOf(connection['peer_host']),
      partitions: [{ channel: stream, partition: null }],
      inFlight: null,
      prefetch: null,
    },
  };
}
