import type { Message, OutgoingMessage } from '../message/message.ts';
import type { Edit } from './edit.ts';

/** A dead letter that is being planned. */
export interface Seen {
  /** Sees the failure as `deadLetter`. */
  readonly message: Message;
  /** As people and `--id` name it: the system's id, else PARTITION:OFFSET, else the beginning of its content hash. Equal messages of a queue share it. */
  readonly name: string;
  /** The content hash, 64 hex digits. */
  readonly hash: string;
  /** The cause's fingerprint, as `causeOf` makes it. */
  readonly cause: string;
  /** How often it was redriven before, as its mark says. */
  readonly redrives: number;
  /** It was redriven before, and died again of the same cause. */
  readonly unchanged: boolean;
}

/**
 * What is to be done with one dead letter.
 *
 * - `redrive`: back to where it came from, or to `to`; changed by `edit`.
 * - `quarantine`: to the quarantine channel, or left where it is (and counted so) where there is none.
 * - `skip`: left where it is, and counted so.
 */
export type Decision =
  | { readonly action: 'redrive'; readonly to: string | null; readonly edit: Edit | null }
  | { readonly action: 'quarantine'; readonly reason: string }
  | { readonly action: 'skip'; readonly reason: string };

/** null: it is not selected at all. Called once for each unresolved dead letter, front to back. */
export type Decide = (seen: Seen) => Decision | null;

const askedFor = 'put aside';

/** Into quarantine because a person said so, and not because of what it is: `by name`, `in triage`. */
export function putAside(how: string, note: string | null = null): Decision {
  return { action: 'quarantine', reason: `${askedFor} ${how}${note === null ? '' : `: ${note}`}` };
}

/** Whether the reason of a quarantine is that of `putAside`. */
export function wasPutAside(reason: string): boolean {
  return reason.startsWith(askedFor);
}

/** As it was selected: back to where it came from, as it is. */
export const plainRedrive: Decision = { action: 'redrive', to: null, edit: null };

/** Decisions that were made one by one, by `Seen.name`. Of equal messages each gets the next decision that was made for their name. */
export function decidedByName(decisions: Iterable<readonly [name: string, decision: Decision]>): Decide {
  const left = new Map<string, Decision[]>();
  for (const [name, decision] of decisions) {
    const known = left.get(name);
    if (known === undefined) left.set(name, [decision]);
    else known.push(decision);
  }
  return ({ name }) => left.get(name)?.shift() ?? null;
}

/** Why the destination's consumers would refuse this edited message (its schema, say); null where nothing speaks against it. */
export type EditCheck = (
  edited: OutgoingMessage,
  destination: string,
  signal: AbortSignal,
) => Promise<string | null>;
