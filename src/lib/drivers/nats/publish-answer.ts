/** What a stream answers to what was published: where it is, or why not. */
import type { Msg } from '@nats-io/transport-node';
import type { Outcome } from '../driver.ts';
import { apiCodes, plain } from './failures.ts';

interface Answer {
  readonly stream: string | null;
  readonly seq: number | null;
  readonly duplicate: boolean;
  readonly error: { readonly number: number | null; readonly words: string } | null;
}

/** Full or short of resources now: room may be made. */
const retriable: readonly number[] = [
  apiCodes.storageFull,
  apiCodes.maximumMessages,
  apiCodes.insufficientResources,
];

/** What the stream said to a message. `unknown`: something else answered, and nobody knows whether the stream has it. */
export function readAcknowledgement(message: Msg, stream: string): Outcome {
  const answer = parse(message);
  if (answer === null) return { status: 'unknown', reason: 'what answered is no stream' };
  if (answer.error !== null) {
    const { number, words } = answer.error;
    const again = (number !== null && retriable.includes(number)) || /maximum (messages|bytes)/.test(words);
    return { status: 'rejected', reason: plain(words), retriable: again };
  }
  if (answer.stream !== stream || answer.seq === null)
    return {
      status: 'unknown',
      reason: `stream "${plain(answer.stream ?? '')}" answered in place of "${stream}"`,
    };
  return {
    status: 'accepted',
    partition: null,
    offset: String(answer.seq),
    id: null,
    ...(answer.duplicate && { suppressed: true }),
  };
}

function parse(message: Msg): Answer | null {
  let content: unknown;
  try {
    content = JSON.parse(new TextDecoder().decode(message.data));
  } catch {
    return null;
  }
  if (typeof content !== 'object' || content === null) return null;
  const fields = new Map<string, unknown>(Object.entries(content));
  const [stream, seq, error] = [fields.get('stream'), fields.get('seq'), fields.get('error')];
  return {
    stream: typeof stream === 'string' ? stream : null,
    seq: typeof seq === 'number' ? seq : null,
    duplicate: fields.get('duplicate') === true,
    error: typeof error === 'object' && error !== null ? errorOf(error) : null,
  };
}

function errorOf(error: object): NonNullable<Answer['error']> {
  const fields = new Map<string, unknown>(Object.entries(error));
  const [number, words] = [fields.get('err_code'), fields.get('description')];
  return {
    number: typeof number === 'number' ? number : null,
    words: typeof words === 'string' ? words : 'the stream refused it',
  };
}
