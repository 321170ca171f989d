/** What a reader of another tool's file gives back, and what all of them need. */
import type { ContextFields } from '../context.ts';

export interface Imported {
  readonly fields: ContextFields;
  /** Keys of the file that mean nothing here, by their names alone; never their values. */
  readonly notUnderstood: readonly string[];
  /** What to look at or to do next, a sentence each. */
  readonly hints: readonly string[];
}

export interface ImportRequest {
  readonly text: string;
  /** Where the file lies: its relative paths begin there. */
  readonly folder: string;
  /** Which of several, where a file holds more than one; null where the user named none. */
  readonly section: string | null;
}

/** A text that stays what it is: what looks like a placeholder of ours is none there. */
export function literal(text: string): string {
  return text.replaceAll('${', () => '$${'); // as a text, `$$` would mean one dollar
}

/** Said of every file whose password was taken over. */
export const passwordHint =
  'the password was taken over as it stands; ${env:NAME}, ${file:PATH} or ${cmd:COMMAND} in its place keeps it out of the file';
