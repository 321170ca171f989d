import type { Reply, Requests } from '../drivers/driver.ts';
import { FailedError } from '../errors.ts';
import type { NumberedMessage } from '../message/numbered-message.ts';

export interface RequestOptions {
  readonly channel: string;
  /** How many replies end each; null: when none came for `gapMs`. */
  readonly replies: number | null;
  readonly gapMs: number;
  /** Resolves when it is written out. */
  readonly onReply: (line: number, reply: Reply) => Promise<void>;
  readonly onFailure: (line: number, error: FailedError) => void;
}

export interface RequestResult {
  readonly requested: number;
  /** Somebody answered, and said of no failure. */
  readonly answered: number;
  readonly replies: number;
  /** Of all that were not answered, the last; null: all were. */
  readonly failure: FailedError | null;
}

const oneRequest: readonly string[] = ['NO_RESPONDERS', 'NO_REPLY', 'REJECTED'];

/** One after the other: the next is sent when the last reply to the one before came, or none did. */
export async function request(
  requests: Requests,
  chunks: AsyncIterable<readonly NumberedMessage[]>,
  { channel, replies: wanted, gapMs, onReply, onFailure }: RequestOptions,
  signal: AbortSignal,
): Promise<RequestResult> {
  let [requested, answered, replies] = [0, 0, 0];
  let failure: FailedError | null = null;
  for await (const chunk of chunks)
    for (const { line, message } of chunk) {
      signal.throwIfAborted();
      requested += 1;
      let failed: FailedError | null = null;
      try {
        for await (const reply of requests.send({ channel, message, replies: wanted, gapMs }, signal)) {
          replies += 1;
          await onReply(line, reply);
          if (reply.error !== null) failed = new FailedError(`answered with an error: ${reply.error}`);
        }
      } catch (error) {
        if (!(error instanceof FailedError) || !oneRequest.includes(error.code)) throw error;
        failed = error;
      }
      if (failed === null) answered += 1;
      else onFailure(line, failed);
      failure = failed ?? failure;
    }
  return { requested, answered, replies, failure };
}
