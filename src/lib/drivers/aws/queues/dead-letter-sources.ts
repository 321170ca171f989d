/** Dead letters by redrive policy, both ways: where a queue's go, and whose come to a queue. */
import { ListDeadLetterSourceQueuesCommand } from '@aws-sdk/client-sqs';
import type { DeadLetterPair } from '../../driver.ts';
import { attributesIfThere, queuesMatching } from './channels.ts';
import { nameOfArn } from './queue-name.ts';
import { parseRedrivePolicy } from './redrive-policy.ts';
import type { Attributes, Session } from './session.ts';

const pageSize = 1_000;

/** Where the messages of a queue go that were received too often; null: nowhere. */
export function deadLetterOf(
  attributes: Attributes,
): { readonly channel: string; readonly how: string } | null {
  const policy = parseRedrivePolicy(attributes['RedrivePolicy']);
  if (policy === null) return null;
  const { deadLetterArn, maxReceiveCount } = policy;
  return {
    channel: nameOfArn(deadLetterArn, attributes['QueueArn'] ?? ''),
    how: `RedrivePolicy, maxReceiveCount ${maxReceiveCount === null ? 'unknown' : String(maxReceiveCount)}`,
  };
}

/** The queues whose redrive policy names this one, of the same region and account. */
export async function sourcesOf(
  session: Session,
  queue: string,
  signal: AbortSignal,
): Promise<readonly string[]> {
  const QueueUrl = await session.url(queue, signal);
  const sources: string[] = [];
  let NextToken: string | undefined;
  do {
    const page = await session.ask(
      (client, options) =>
        client.send(
          new ListDeadLetterSourceQueuesCommand({
            QueueUrl,
            MaxResults: pageSize,
            ...(NextToken !== undefined && { NextToken }),
          }),
          options,
        ),
      signal,
      queue,
    );
    for (const url of page.queueUrls ?? []) sources.push(url.slice(url.lastIndexOf('/') + 1));
    NextToken = page.NextToken;
  } while (NextToken !== undefined);
  return sources.sort();
}

/** Of all queues: one request for each. */
export async function declaredPairs(
  session: Session,
  signal: AbortSignal,
): Promise<readonly DeadLetterPair[]> {
  const pairs: DeadLetterPair[] = [];
  for await (const chunk of queuesMatching(session, null, signal)) {
    const found = await Promise.all(
      chunk.map(async (source) => {
        const attributes = await attributesIfThere(session, source, signal);
        const target = attributes === null ? null : deadLetterOf(attributes);
        return target === null ? null : { source, deadLetter: target.channel, how: target.how };
      }),
    );
    pairs.push(...found.filter((pair) => pair !== null));
  }
  return pairs;
}
