/** Which transactional id a move has: who finds it knows where it may have written to. No topic has a slash in its name. */
export interface MoveId {
  readonly source: string;
  readonly channel: string;
  /** Of the redrive. */
  readonly name: string;
}

const first = 'mqctl-move';

/** `mqctl-move/SOURCE/CHANNEL/NAME`; `parseMoveId` reads it back. */
export function moveId({ source, channel, name }: MoveId): string {
  return [first, source, channel, name].join('/');
}

/** Null where it is not one of ours. */
export function parseMoveId(transactionalId: string): MoveId | null {
  const [head, source, channel, name, ...rest] = transactionalId.split('/');
  if (head !== first || source === undefined || channel === undefined || name === undefined) return null;
  return rest.length > 0 ? null : { source, channel, name };
}

/** A regular expression (RE2) for all moves of the dead letters of a topic. */
export function movesOf(source: string): string {
  return `${first}/${source.replaceAll('.', String.raw`\.`)}/.*`;
}
