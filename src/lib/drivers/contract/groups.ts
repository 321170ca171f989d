/** Groups of consumers and their members. */

export interface GroupsTraits {
  /** Why a group cannot be deleted and what to do instead; null: it can. */
  readonly undeletable: string | null;
  /** Where applications of this system keep their own places, which are not looked at there: one sentence, told of a group that is missing. */
  readonly elsewhere?: string;
}

export interface GroupSummary {
  readonly group: string;
  readonly kind: string;
  readonly state: string | null;
  readonly members: number | null;
}

export interface GroupMember {
  readonly id: string;
  readonly client: string | null;
  readonly host: string | null;
  readonly partitions: readonly { readonly channel: string; readonly partition: string | null }[];
  readonly inFlight: number | null;
  readonly prefetch: number | null;
}

export interface GroupDescription extends GroupSummary {
  readonly coordinator: string | null;
  readonly channels: readonly string[];
  readonly memberList: readonly GroupMember[];
  readonly unknown: readonly string[];
}

export interface Groups {
  list(request: { readonly match: string | null }, signal: AbortSignal): Promise<readonly GroupSummary[]>;
  /** Throws `NotFoundError`. */
  describe(group: string, signal: AbortSignal): Promise<GroupDescription>;
  /**
   * With everything that it has committed; its messages stay. Throws `NotFoundError`, `FailedError` with code `ACTIVE` where it
   * has members, `UnsupportedError` where `undeletable` is declared.
   */
  delete(group: string, signal: AbortSignal): Promise<void>;
}
