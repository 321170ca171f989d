import type { Clock } from './clock.ts';

export interface RunOptions {
  /** Messages a second; null: as fast as it goes. */
  readonly ratePerSecond: number | null;
  readonly inFlight: number;
  readonly canary: boolean;
  /** null: as `watchMsFor` says. */
  readonly canaryWaitMs: number | null;
  /** How long what is claimed is hidden from others, where a system gives leases; null or undefined: its own default. */
  readonly leaseMs?: number | null;
  /** Waits while more than so many wait in a destination. */
  readonly maxBacklog?: number | null;
  readonly takeOver: boolean;
  /** Go on although a message there was near the delivery limit when it was last seen. */
  readonly lookAgain?: boolean;
  readonly clock: Clock;
  readonly onProgress: (moved: number) => void;
  /** So many more came back. */
  readonly onReturned?: (count: number) => void;
  readonly onNote: (text: string) => void;
}
