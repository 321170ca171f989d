/** Where to connect and how to log in, from a context's URL and settings. */
import { readFileSync } from 'node:fs';
import { isIP } from 'node:net';
import type { Authenticator, ConnectionOptions } from '@nats-io/transport-node';
import {
  credsAuthenticator,
  nkeyAuthenticator,
  tokenAuthenticator,
  usernamePasswordAuthenticator,
} from '@nats-io/transport-node';
import { UsageError, errorText } from '../../errors.ts';
import type { Connection } from '../driver.ts';

const defaultPort = 4222;
const secureSchemes = ['nats+tls', 'tls'];
const knownSettings = [
  'creds',
  'nkey',
  'token',
  'inboxPrefix',
  'jetstreamDomain',
  'jetstreamApiPrefix',
  'tlsFirst',
];

export interface ParsedAddress {
  /** `nats://h1:4222,h2:4222`, without user and password. */
  readonly target: string;
  readonly servers: readonly string[];
  readonly login: Authenticator | null;
  /** How the login is called in errors: `user "me"`, `the credentials`… */
  readonly loginWords: string;
  readonly tls: ConnectionOptions['tls'] | null;
  /** Over TLS, and with nothing to show a server that asks for a certificate. */
  readonly lacksCertificate: boolean;
  readonly inboxPrefix: string | null;
  /** Subjects of JetStream's own interface begin so. */
  readonly apiPrefix: string;
}

/** Throws `UsageError`. */
export function parseAddress(connection: Connection): ParsedAddress {
  const parts = /^([a-z+]+):(?:\/\/([^/?#]*))?(?:\/*)(?:\?(.*))?$/i.exec(connection.url);
  if (parts === null)
    throw new UsageError(`"${connection.url}" is no address of NATS`, {
      hint: 'write nats://localhost:4222, several servers with commas between',
    });
  const [, scheme = '', hosts = '', query = ''] = parts;
  const settings = { ...Object.fromEntries(new URLSearchParams(query)), ...connection.settings };
  for (const name of Object.keys(settings))
    if (!knownSettings.includes(name))
      throw new UsageError(`the NATS driver does not know the setting "${name}"`, {
        hint: `known are ${knownSettings.join(', ')}`,
      });
  const secure = secureSchemes.includes(scheme.toLowerCase()) || connection.tls !== null;
  const named = hosts.split(',').map((host) => withPort(host.trim()));
  const servers = named.map((host) => connection.addressMap.get(host) ?? host);
  return {
    target: `${secure ? 'nats+tls' : 'nats'}://${named.join(',')}`,
    servers,
    ...parseLogin(connection, settings),
    tls: secure ? tlsOptions(connection, settings['tlsFirst'] === 'true') : null,
    lacksCertificate: secure && (connection.tls?.certificate ?? null) === null,
    inboxPrefix: settings['inboxPrefix'] ?? null,
    apiPrefix: apiPrefixOf(settings),
  };
}

/** A domain has its interface below its own name (ADR-7); another account's is where it was imported to. */
function apiPrefixOf(settings: Readonly<Record<string, string>>): string {
  const [domain, prefix] = [settings['jetstreamDomain'], settings['jetstreamApiPrefix']];
  if (domain !== undefined && prefix !== undefined)
    throw new UsageError(
      'settings.jetstreamDomain and settings.jetstreamApiPrefix both say where JetStream is',
      {
        hint: 'leave one of them out',
      },
    );
  if (prefix !== undefined) return prefix.replace(/\.$/, '');
  return domain === undefined ? '$JS.API' : `$JS.${domain}.API`;
}

function withPort(host: string): string {
  if (host === '') return `localhost:${String(defaultPort)}`;
  return /:\d+$/.test(host) && !host.endsWith(']') ? host : `${host}:${String(defaultPort)}`;
}

function tlsOptions({ tls }: Connection, handshakeFirst: boolean): ConnectionOptions['tls'] {
  const serverName = tls?.serverName ?? null;
  // The client hands these on to Node's TLS, which knows more than its types say.
  const options = {
    ...(serverName !== null && isIP(serverName) === 0 && { servername: serverName }),
    ...(tls?.ca !== null && tls?.ca !== undefined && { ca: tls.ca }),
    ...(tls?.certificate !== null && tls?.certificate !== undefined && { cert: tls.certificate }),
    ...(tls?.key !== null && tls?.key !== undefined && { key: tls.key }),
    ...(tls?.keyPassphrase !== null && tls?.keyPassphrase !== undefined && { passphrase: tls.keyPassphrase }),
    rejectUnauthorized: tls?.insecure !== true,
    ...(handshakeFirst && { handshakeFirst }),
  };
  return options;
}

/** One way to log in: credentials, an nkey, a token (a user without a password is one), or user and password. */
function parseLogin(
  { username, password }: Connection,
  settings: Readonly<Record<string, string>>,
): Pick<ParsedAddress, 'login' | 'loginWords'> {
  const { creds, nkey, token } = settings;
  if (creds !== undefined) {
    const content = contentOf(creds, 'creds', /-----BEGIN NATS USER JWT-----/);
    return { login: credsAuthenticator(content), loginWords: 'the credentials' };
  }
  if (nkey !== undefined) {
    const seed = contentOf(nkey, 'nkey', /^S[A-Z0-9]{50,}\s*$/);
    return { login: nkeyAuthenticator(seed), loginWords: 'the nkey' };
  }
  if (token !== undefined) return { login: tokenAuthenticator(token), loginWords: 'the token' };
  if (username === null) return { login: null, loginWords: 'a login without a name' };
  if (password === null) return { login: tokenAuthenticator(username), loginWords: 'the token' };
  return { login: usernamePasswordAuthenticator(username, password), loginWords: `user "${username}"` };
}

/** A setting that is the content itself, or the path of a file that holds it. */
function contentOf(text: string, name: string, isContent: RegExp): Uint8Array {
  if (isContent.test(text)) return new TextEncoder().encode(text.includes('-----') ? text : text.trim());
  try {
    const content = readFileSync(text, 'utf8');
    if (!isContent.test(content)) throw new Error(`it holds no ${name}`);
    return new TextEncoder().encode(content.includes('-----') ? content : content.trim());
  } catch (error) {
    throw new UsageError(`settings.${name}: cannot use ${text}: ${errorText(error)}`, { cause: error });
  }
}
