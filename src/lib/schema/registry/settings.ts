/** Where a registry is, how to log in there, and how it is asked. */
import type { TlsSettings } from '../../tls-settings.ts';

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
  /** null: TLS, where the URL says it, as this machine does it. */
  readonly tls: TlsSettings | null;
}

export interface RegistryOptions {
  /** Of each attempt. */
  readonly timeoutMs: number;
  /** Lines for `--debug`; never with a secret. */
  readonly log: (line: string) => void;
  /** Where schemas are kept by their ids, which never change. */
  readonly cacheFolder: string;
}

/** What `openRegistry` takes. */
export interface RegistryPlace {
  readonly settings: RegistrySettings;
  readonly options: RegistryOptions;
}
