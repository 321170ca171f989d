/** What every starter of a real server in this folder gives back. */
export interface RunningBroker {
  /** `host:port` or a URL, as the tests take it. */
  readonly address: string;
  /** What to put into the environment so that tests find it, e.g. `MQCTL_TEST_KAFKA`. */
  readonly environment: Readonly<Record<string, string>>;
  /** Of the process that runs now; another one after `restart`. */
  readonly pid: number;
  /** SIGTERM, then SIGKILL; the data is deleted. */
  stop(): Promise<void>;
  /** SIGKILL at once; the data stays. */
  kill(): Promise<void>;
  /** Starts again with the same data on the same ports, after `kill` or from running. */
  restart(): Promise<void>;
}

/** Whether this machine can run a server, and what to do where it cannot. */
export type Means =
  { readonly able: true } | { readonly able: false; readonly reason: string; readonly remedy: string };
