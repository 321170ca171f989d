/** The JSON that a queue's attribute `RedrivePolicy` holds: where its messages go that were received too often. */

export interface RedrivePolicy {
  readonly deadLetterArn: string;
  /** The receive after so many moves the message there. */
  readonly maxReceiveCount: number | null;
}

/** null where there is none, or one that cannot be read: anything else would be a guess. */
export function parseRedrivePolicy(text: string | undefined): RedrivePolicy | null {
  if (text === undefined || text === '') return null;
  const policy = parsed(text);
  if (typeof policy !== 'object' || policy === null || !('deadLetterTargetArn' in policy)) return null;
  if (typeof policy.deadLetterTargetArn !== 'string') return null;
  // A number, or a text of digits: both are taken, and kept as they came.
  const count = 'maxReceiveCount' in policy ? Number(policy.maxReceiveCount) : NaN;
  return {
    deadLetterArn: policy.deadLetterTargetArn,
    maxReceiveCount: Number.isSafeInteger(count) ? count : null,
  };
}

/** The JSON that SQS takes for the attribute; `parseRedrivePolicy` reads it back. */
export function redrivePolicyText({ deadLetterArn, maxReceiveCount }: RedrivePolicy): string {
  return JSON.stringify({ deadLetterTargetArn: deadLetterArn, maxReceiveCount });
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return null;
  }
}
