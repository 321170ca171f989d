/** The state of the system itself. */

export interface ClusterNode {
  readonly node: string;
  readonly address: string | null;
  readonly version: string | null;
  /** `controller`, `leader`, … */
  readonly role: string | null;
  readonly running: boolean;
}

export interface ClusterStatus {
  readonly system: string;
  readonly version: string | null;
  readonly cluster: string | null;
  readonly nodes: readonly ClusterNode[];
  /** What is wrong, a sentence each; empty: well. */
  readonly problems: readonly string[];
  readonly facts: Readonly<Record<string, string>>;
  readonly unknown: readonly string[];
}

export interface Cluster {
  status(signal: AbortSignal): Promise<ClusterStatus>;
}
