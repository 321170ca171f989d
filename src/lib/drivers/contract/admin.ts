/** Creating, changing, emptying and deleting channels. */

export interface AdminTraits {
  /** What `create --type` takes; the first is the default. */
  readonly types: readonly string[];
  readonly partitions: boolean;
  readonly deadLetter: boolean;
  readonly purge: boolean;
  /** Whether a channel can be cut off at a position; else all that waits goes at once. */
  readonly purgeThrough: boolean;
  /** Examples of settings for the help, `name=value`. */
  readonly settings: readonly string[];
  /** Why no setting can be changed later and what to do instead; null: some can. */
  readonly unalterable: string | null;
}

export interface CreateRequest {
  readonly channel: string;
  readonly type: string | null;
  readonly partitions: number | null;
  readonly settings: Readonly<Record<string, string>>;
  readonly deadLetter: string | null;
}

export interface ChannelSetting {
  /** As the system writes it: it may have been asked for in another form. */
  readonly name: string;
  /** Set for this very channel; null: it was not set, and gets what holds for others. */
  readonly own: string | null;
  /** What applies now; null: nothing does, or the system keeps it secret. */
  readonly effective: string | null;
  /** Why it cannot be changed, one sentence; null: it can. */
  readonly fixed: string | null;
}

export interface AlterRequest {
  readonly channel: string;
  /** null takes the channel's own value away: as if it was never set. */
  readonly changes: readonly { readonly name: string; readonly value: string | null }[];
  /** Only ask whether they would be taken, as far as the system can tell without doing it. */
  readonly checkOnly: boolean;
}

export interface Admin {
  /** Throws `FailedError` with code `EXISTS`, `UsageError` for a type or setting it does not know. */
  create(request: CreateRequest, signal: AbortSignal): Promise<void>;
  delete(channel: string, signal: AbortSignal): Promise<void>;
  /** Removes what waits now; resolves with how many, null where the broker does not say. */
  purge(channel: string, signal: AbortSignal): Promise<number | null>;
  /**
   * Removes what lies up to the offset given for each partition, that one included, and nothing behind it; a partition that
   * is not named keeps all. Only where `purgeThrough` is declared. Resolves with how many, null where the broker does not say.
   */
  purgeThrough?(
    channel: string,
    through: ReadonlyMap<string, string>,
    signal: AbortSignal,
  ): Promise<number | null>;
  /** Those that are named, in that order. Throws `NotFoundError`, `UsageError` for a name that the system does not know. */
  settings(
    channel: string,
    names: readonly string[],
    signal: AbortSignal,
  ): Promise<readonly ChannelSetting[]>;
  /**
   * All changes or none; they hold when it resolves. Throws `NotFoundError`, `UsageError` for a value that is not taken,
   * `UnsupportedError` for a setting that is `fixed`.
   */
  alter(request: AlterRequest, signal: AbortSignal): Promise<void>;
}
