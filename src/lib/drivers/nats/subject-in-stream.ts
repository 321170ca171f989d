/** By which subject a message goes into a stream. */
import { covers, isLiteral } from './channel-name.ts';

export interface StreamSubjects {
  readonly subjects: readonly string[];
  /** Where a message goes that names no subject of the stream; null: it has to. */
  readonly literal: string | null;
}

/** Its own where the stream captures that, else the one there is; null: nothing says which. */
export function subjectIn({ subjects, literal }: StreamSubjects, subject: string | null): string | null {
  const captured =
    subject !== null && isLiteral(subject) && subjects.some((pattern) => covers(pattern, subject));
  if (captured) return subject;
  return literal !== null && isLiteral(literal) ? literal : null;
}

/** The subject of a stream that has one, and no wildcard in it. */
export function onlyLiteral(subjects: readonly string[]): string | null {
  const [first, ...others] = subjects;
  return first !== undefined && others.length === 0 && isLiteral(first) ? first : null;
}
