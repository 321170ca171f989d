import { FailedError } from '../errors.ts';
import type { OutgoingMessage } from '../message/message.ts';
import { Editor, parseEditText, type Edit, type Edited } from './edit.ts';

/** The edits of a plan, each read once. */
export class PlannedEdits {
  readonly #editor: Editor | null;
  readonly #edits: ReadonlyMap<string, Edit>;

  private constructor(editor: Editor | null, edits: ReadonlyMap<string, Edit>) {
    this.#editor = editor;
    this.#edits = edits;
  }

  /** `texts` as `editText` writes them. Throws `FailedError` for one that nobody understands. */
  static async load(texts: readonly string[]): Promise<PlannedEdits> {
    if (texts.length === 0) return new PlannedEdits(null, new Map());
    const edits = new Map<string, Edit>();
    for (const text of texts) {
      const edit = parseEditText(text);
      if (edit === null)
        throw new FailedError('the plan has an edit that cannot be read', { code: 'DAMAGED' });
      edits.set(text, edit);
    }
    return new PlannedEdits(await Editor.load(), edits);
  }

  /** Throws `FailedError` where it does not fit: the plan was made of another message then. */
  apply(text: string, message: OutgoingMessage): Edited {
    const edit = this.#edits.get(text);
    if (edit === undefined || this.#editor === null) throw new FailedError('the plan has no such edit');
    return this.#editor.apply(message, edit);
  }
}
