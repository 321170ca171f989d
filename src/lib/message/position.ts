/** Where to begin or end, in the one grammar of `--from`, `--until` and `--to`. Parsed in `position-grammar.ts`. */
export type Position =
  | { readonly kind: 'start'; readonly shift: bigint }
  | { readonly kind: 'end'; readonly shift: bigint }
  | { readonly kind: 'offset'; readonly offset: string }
  /** Behind the message of that offset. */
  | { readonly kind: 'after'; readonly offset: string }
  | { readonly kind: 'id'; readonly id: string }
  /** Milliseconds since 1970. */
  | { readonly kind: 'time'; readonly time: number }
  /** Where that group stands. */
  | { readonly kind: 'group'; readonly group: string; readonly shift: bigint }
  /** Where the group that is reset stands now: for reset only. */
  | { readonly kind: 'current'; readonly shift: bigint };

export type PositionKind = Position['kind'];

/** One position for every partition, or one for each that is named. */
export type Positions =
  { readonly every: Position } | { readonly byPartition: ReadonlyMap<string, Position> };
