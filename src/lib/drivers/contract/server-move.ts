/** A redrive that the system does by itself. */

export interface ServerMoveTraits {
  /** What it cannot do that a redrive of ours can, a sentence each: told before it begins. */
  readonly limits: readonly string[];
}

export interface ServerMoveRequest {
  readonly channel: string;
  /** null: each where it came from. */
  readonly to: string | null;
  /** null: as fast as the server does. */
  readonly ratePerSecond: number | null;
}

export interface ServerMoveProgress {
  readonly state: 'running' | 'done' | 'failed' | 'cancelled';
  /** Both approximate. */
  readonly moved: number;
  readonly toMove: number | null;
  readonly reason: string | null;
}

/** The system moves all dead letters of a channel by itself. */
export interface ServerMove {
  /** Resolves with the task's name. Throws `NotFoundError`, `UsageError` where there is nothing that it would move. */
  start(request: ServerMoveRequest, signal: AbortSignal): Promise<string>;
  /** Of the newest task; null where the system has forgotten it. */
  progress(channel: string, signal: AbortSignal): Promise<ServerMoveProgress | null>;
  /** What was moved stays moved. */
  cancel(channel: string, task: string, signal: AbortSignal): Promise<void>;
}
