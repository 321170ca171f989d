/** What a driver is opened with. */
import type { TlsSettings } from '../../tls-settings.ts';

/** Where and how to log in; secrets are resolved already. Made by `config`, from a URL or a context. */
export interface Connection {
  /** Without user and password. */
  readonly url: string;
  readonly username: string | null;
  readonly password: string | null;
  readonly tls: TlsSettings | null;
  readonly sasl: {
    readonly mechanism: string;
    /** Mechanism's own fields: `token`, `region`, `accessKeyId`, … */
    readonly fields: Readonly<Record<string, string>>;
  } | null;
  readonly managementUrl: string | null;
  /** Advertised `host:port` → reachable `host:port`, for tunnels. */
  readonly addressMap: ReadonlyMap<string, string>;
  /** The system's own settings, unread by anyone else. */
  readonly settings: Readonly<Record<string, string>>;
  /** The channel that keeps which dead letters are resolved, where `deadLetters.by` is `recorded`; null or absent: the driver's own place. */
  readonly resolvedTopic?: string | null;
}

export interface Environment {
  /** Lines for `--debug`; never with a secret. */
  readonly log: (line: string) => void;
  /** For each network operation. */
  readonly timeoutMs: number;
  readonly signal: AbortSignal;
  /** The folder for state that outlives a run: the embedded broker's own file, leases of this machine. */
  readonly stateFolder: string;
}
