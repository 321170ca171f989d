/** Batches of SQS and SNS: up to ten entries in a request, each with an answer of its own. */

export const mostEntries = 10;
/** Requests of one call that are under way at once. */
const concurrent = 8;

export type EntryAnswer =
  | { readonly kind: 'done'; readonly messageId: string | null; readonly sequenceNumber: string | null }
  /** `senderFault`: asked again as it is, it fails again. */
  | {
      readonly kind: 'failed';
      readonly code: string;
      readonly reason: string;
      readonly senderFault: boolean;
    }
  /** The request as a whole failed, or its answer did not tell of this entry. */
  | { readonly kind: 'unanswered'; readonly error: unknown };

export interface BatchAnswer {
  readonly Successful?:
    | readonly {
        readonly Id?: string | undefined;
        readonly MessageId?: string | undefined;
        readonly SequenceNumber?: string | undefined;
      }[]
    | undefined;
  readonly Failed?:
    | readonly {
        readonly Id?: string | undefined;
        readonly Code?: string | undefined;
        readonly Message?: string | undefined;
        readonly SenderFault?: boolean | undefined;
      }[]
    | undefined;
}

/** The number of an entry in its request is its id. One answer for each, in their order; never throws. */
export async function answered(count: number, send: () => Promise<BatchAnswer>): Promise<EntryAnswer[]> {
  let answer: BatchAnswer;
  try {
    answer = await send();
  } catch (error) {
    return Array.from({ length: count }, () => ({ kind: 'unanswered', error }));
  }
  const answers = new Map<string, EntryAnswer>();
  for (const { Id = '', MessageId, SequenceNumber } of answer.Successful ?? [])
    answers.set(Id, {
      kind: 'done',
      messageId: MessageId ?? null,
      sequenceNumber: SequenceNumber ?? null,
    });
  for (const { Id = '', Code = 'unknown', Message, SenderFault } of answer.Failed ?? [])
    answers.set(Id, {
      kind: 'failed',
      code: Code.replace(/^.*#/, ''),
      reason: plain(Message ?? Code),
      senderFault: SenderFault !== false,
    });
  const silent = new Error('the answer does not tell of this entry');
  return Array.from(
    { length: count },
    (_, index) => answers.get(String(index)) ?? { kind: 'unanswered', error: silent },
  );
}

/** Ten at a time, some requests at once. One answer for each, in their order. */
export async function inBatches<Item>(
  items: readonly Item[],
  send: (batch: readonly Item[]) => Promise<readonly EntryAnswer[]>,
): Promise<EntryAnswer[]> {
  const batches: (readonly Item[])[] = [];
  for (let at = 0; at < items.length; at += mostEntries) batches.push(items.slice(at, at + mostEntries));
  const answers: (readonly EntryAnswer[])[] = [];
  let next = 0;
  const work = async (): Promise<void> => {
    for (let index = next++; index < batches.length; index = next++)
      answers[index] = await send(batches[index] ?? []);
  };
  await Promise.all(Array.from({ length: Math.min(concurrent, batches.length) }, work));
  return answers.flat();
}

function plain(words: string): string {
  return words.replace(/\p{Cc}+/gu, ' ').slice(0, 300);
}
