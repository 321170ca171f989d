/** Whose transaction a request belongs to: the broker refuses an epoch that a newer producer has fenced. */
export interface TransactionIdentity {
  readonly transactionalId: string;
  readonly producerId: bigint;
  readonly epoch: number;
}
