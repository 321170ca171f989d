import { readlinkSync } from 'node:fs';
import { hostname } from 'node:os';

/** Who wrote a row: enough to ask later whether that process still lives. */
export interface ProcessIdentity {
  readonly pid: number;
  readonly host: string;
  /** Containers may share a host's name and have process numbers of their own; Linux tells them apart. */
  readonly processSpace: string;
}

export const thisProcess: ProcessIdentity = {
  pid: process.pid,
  host: hostname(),
  processSpace: processSpace(),
};

function processSpace(): string {
  try {
    return readlinkSync('/proc/self/ns/pid');
  } catch {
    return '';
  }
}

/** True only where that is certain: a process of another machine may live. */
export function isDead(identity: ProcessIdentity): boolean {
  if (identity.host !== thisProcess.host || identity.processSpace !== thisProcess.processSpace) return false;
  try {
    process.kill(identity.pid, 0);
    return false;
  } catch (thrown) {
    // EPERM: it lives and belongs to someone else.
    return thrown instanceof Error && 'code' in thrown && thrown.code === 'ESRCH';
  }
}
