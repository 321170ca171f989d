/** How TLS is done, to a system or to a registry: `ca`, `certificate` and `key` are PEM texts, not paths. */
export interface TlsSettings {
  /** Whose certificates are trusted; null: what this machine trusts. */
  readonly ca: string | null;
  readonly certificate: string | null;
  readonly key: string | null;
  readonly keyPassphrase: string | null;
  /** The name that the server's certificate has to bear; null: the host's. */
  readonly serverName: string | null;
  /** Do not check the server's certificate. */
  readonly insecure: boolean;
}
