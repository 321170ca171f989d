/** What the edits of a plan that was made before would change, to be shown before anybody says yes. */
import { FailedError } from '../errors.ts';
import type { Message } from '../message/message.ts';
import { Editor, parseEditText, stepText, type Change, type Edit } from './edit.ts';
import type { PlanItem } from './plan.ts';
import { contentHashOf, isFree, lookOf, type DeadLetterSource } from './source.ts';

/** So many different edits are shown; how many messages have others is told. */
const editsShown = 20;

/** One edit of a plan: what it does to the first message that it is for, or, where that cannot be looked at, what it says. */
export interface PlannedChange {
  readonly count: number;
  /** Empty where only `steps` are known. */
  readonly changes: readonly Change[];
  /** What is done, a step each, where the message could not be looked at; empty where `changes` say it. */
  readonly steps: readonly string[];
}

export interface PlannedChanges {
  readonly edits: readonly PlannedChange[];
  /** How many are changed in ways that are not shown. */
  readonly others: number;
}

/** Counts the edits of a plan while it is read. */
export class EditsOfPlan {
  readonly #edits = new Map<string, { readonly first: PlanItem; count: number }>();
  #others = 0;

  see(item: PlanItem): void {
    if (item.edit === null || item.leftOut !== null) return;
    const known = this.#edits.get(item.edit);
    if (known !== undefined) known.count += 1;
    else if (this.#edits.size < editsShown) this.#edits.set(item.edit, { first: item, count: 1 });
    else this.#others += 1;
  }

  /** Looks at the first message of each where a look is free. Throws `FailedError` for an edit that nobody understands. */
  async shown(source: DeadLetterSource, channel: string, signal: AbortSignal): Promise<PlannedChanges> {
    if (this.#edits.size === 0) return { edits: [], others: 0 };
    const editor = await Editor.load();
    const looks = isFree((await lookOf(source).appraise(channel, signal)).cost);
    const edits: PlannedChange[] = [];
    for (const [text, { first, count }] of this.#edits) {
      const edit = parseEditText(text);
      if (edit === null)
        throw new FailedError('the plan has an edit that cannot be read', { code: 'DAMAGED' });
      const message = looks ? await lookUp(source, channel, first, signal) : null;
      const changes = message === null ? null : changesOf(editor, message, edit);
      edits.push({ count, changes: changes ?? [], steps: changes === null ? edit.map(stepText) : [] });
    }
    return { edits, others: this.#others };
  }
}

/** null: it is not there any more, or no longer as it was when it was planned. */
async function lookUp(
  source: DeadLetterSource,
  channel: string,
  { reference: { partition, offset }, hash }: PlanItem,
  signal: AbortSignal,
): Promise<Message | null> {
  if (offset === null || source.declaration.facets.look?.positions.includes('offset') !== true) return null;
  const from = { kind: 'offset', offset } as const;
  const looking = await lookOf(source).open(
    {
      channel,
      from: partition === null ? { every: from } : { byPartition: new Map([[partition, from]]) },
      until: null,
      follow: false,
      partitions: partition === null ? null : [partition],
      limit: 1,
      uncommitted: false,
    },
    signal,
  );
  const contents = contentHashOf(source);
  for await (const [message] of looking.batches)
    if (message !== undefined)
      return message.offset === offset && contents.of(message) === hash ? message : null;
  return null;
}

/** null where the edit does not fit: it was planned for another message. */
function changesOf(editor: Editor, message: Message, edit: Edit): readonly Change[] | null {
  try {
    return editor.apply(message, edit).changes;
  } catch (error) {
    if (error instanceof FailedError && error.code === 'EDIT') return null;
    throw error;
  }
}
