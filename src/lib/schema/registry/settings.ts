/** Types only: where a registry is, and how to log in there. */
export const registryApis = ['confluent', 'apicurio'] as const;
export type RegistryApi = (typeof registryApis)[number];

export interface RegistrySettings {
  /** Without user and password. Confluent's API, or Apicurio's own: `http://host:8080/apis/registry/v3`. */
  readonly url: string;
  /** null: by the URL. */
  readonly api: RegistryApi | null;
  readonly username: string | null;
  readonly password: string | null;
  /** A bearer token, in the place of user and password. */
  readonly token: string | null;
  /** PEM texts; null for what the system trusts. */
  readonly tls: {
    readonly ca: string | null;
    readonly certificate: string | null;
    readonly key: string | null;
    readonly keyPassphrase: string | null;
    readonly serverName: string | null;
    readonly insecure: boolean;
  } | null;
}
