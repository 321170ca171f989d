/** Types of contexts: where a system is and how to log in there, as it is written down. */
import type { RegistryApi } from '../schema/registry/settings.ts';
import type { TlsSettings } from '../tls-settings.ts';

/** What a context file says of one context. Texts may hold placeholders (`placeholder.ts`), still unresolved here. */
export interface ContextFields {
  readonly url: string;
  readonly username: string | null;
  readonly password: string | null;
  readonly tls: TlsFields | null;
  readonly sasl: SaslFields | null;
  readonly managementUrl: string | null;
  /** Advertised `host:port` → reachable `host:port`. */
  readonly addressMap: Readonly<Record<string, string>>;
  /** The system's own settings. */
  readonly settings: Readonly<Record<string, string>>;
  /** Refuses whatever changes something. */
  readonly readOnly: boolean;
  /** Asks for the context's name before anything is changed. */
  readonly protected: boolean;
  /** The compacted topic that remembers which dead letters are resolved. */
  readonly resolvedTopic: string | null;
  /** Where its schemas are registered. */
  readonly registry: RegistryFields | null;
}

/** Its login is its own: that of the system is not used for it. */
export interface RegistryFields {
  readonly url: string;
  readonly api: RegistryApi | null;
  readonly username: string | null;
  readonly password: string | null;
  readonly token: string | null;
  readonly tls: TlsFields | null;
}

/** As it is written down: each of `ca`, `certificate` and `key` may still be a path, relative to the context file. */
export type TlsFields = TlsSettings;

export interface SaslFields {
  readonly mechanism: string;
  /** The mechanism's own: `token`, `region`, `accessKeyId`… */
  readonly fields: Readonly<Record<string, string>>;
}

/** Where a context comes from: said as a URL, or read from the user's own or the project's file. */
export type ContextOrigin =
  | { readonly kind: 'url' }
  | { readonly kind: 'own'; readonly file: string }
  | { readonly kind: 'project'; readonly file: string; readonly trusted: boolean };

/** The context that a command uses: chosen, not yet resolved, so nothing secret was read or asked. */
export interface Context {
  /** For people; of a URL the URL without user and password. */
  readonly name: string;
  /** Without user and password. */
  readonly url: string;
  readonly origin: ContextOrigin;
  readonly readOnly: boolean;
  readonly protected: boolean;
  readonly resolvedTopic: string | null;
  /** What the file says; texts with placeholders. Of a URL, the URL as it was given. */
  readonly fields: ContextFields;
}

/** What resolving needs of the world, so that it can be tested and completion can forbid it. */
export interface Resolving {
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Where the search for the project's file begins. */
  readonly directory: string;
  /** Tells the user what is not an error: a file of secrets that others can read. */
  readonly warn: (text: string) => void;
  /** Asks a person for a secret; null where nobody can be asked. */
  readonly ask: ((question: string) => Promise<string>) | null;
  readonly signal: AbortSignal;
  /** Runs no command and asks nobody, whatever the file says. */
  readonly forCompletion?: boolean;
}

/** A context with nothing said but its URL. */
export function fieldsOfUrl(url: string): ContextFields {
  return {
    url,
    username: null,
    password: null,
    tls: null,
    sasl: null,
    managementUrl: null,
    addressMap: {},
    settings: {},
    readOnly: false,
    protected: false,
    resolvedTopic: null,
    registry: null,
  };
}
