/** One operator at a time. */

export interface LeaseHolder {
  readonly who: string;
  readonly host: string;
  readonly since: number;
}

/** One operator for each dead-letter channel. */
export interface Lease {
  /** Throws `FailedError` with code `HELD` that says who holds it, where, since when; `takeOver` ends that lease. */
  acquire(channel: string, holder: LeaseHolder, takeOver: boolean, signal: AbortSignal): Promise<HeldLease>;
}

export interface HeldLease {
  /** Aborts when the lease was lost. */
  readonly lost: AbortSignal;
  release(): Promise<void>;
}
