import { hostname, userInfo } from 'node:os';

export interface Operator {
  readonly who: string;
  readonly host: string;
}

/** Who runs this, for leases and the records of jobs. */
export function thisOperator(): Operator {
  return { who: userName(), host: hostname() };
}

/** A container may run as a user number that has no name. */
function userName(): string {
  try {
    return userInfo().username;
  } catch {
    return process.getuid?.().toString() ?? 'unknown';
  }
}
