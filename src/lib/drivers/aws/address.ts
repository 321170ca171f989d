/** Which region, endpoint and identity of AWS a context means: `sqs://eu-west-1?endpoint=http://127.0.0.1:9324&profile=shop`. */
import { UsageError } from '../../errors.ts';
import { nearest } from '../../nearest.ts';
import type { Connection } from '../driver.ts';

export interface AwsAddress {
  /** null: what the SDK's own chain says (`AWS_REGION`, the profile). */
  readonly region: string | null;
  /** null: the service's own of that region. */
  readonly endpoint: URL | null;
  /** A section of `~/.aws/config`. */
  readonly profile: string | null;
  /** Keys that the context itself holds; null: the SDK's own chain (environment, profile, SSO, container, instance). */
  readonly keys: {
    readonly accessKeyId: string;
    readonly secretAccessKey: string;
    readonly sessionToken: string | null;
  } | null;
}

const queryKeys = ['endpoint', 'profile', 'region'];
/** Of a context's `settings`; a session token never stands in a URL, where others would see it. */
const settingKeys = [...queryKeys, 'sessionToken'];

/** `ownKeys`: what one service alone takes beside the others. Throws `UsageError`. */
export function parseAwsAddress(connection: Connection, ownKeys: readonly string[] = []): AwsAddress {
  const parts = /^([a-z][a-z0-9+.-]*):(?:\/\/([^/?#]*))?\/?(?:\?([^#]*))?$/i.exec(connection.url);
  if (parts === null)
    throw new UsageError(`"${connection.url}" is no address of AWS`, {
      hint: 'write it as SCHEME://REGION, or SCHEME://REGION?endpoint=http://HOST:PORT',
    });
  const host = parts[2] ?? '';
  const query = new URLSearchParams(parts[3] ?? '');
  for (const key of query.keys())
    refuseUnknown(key, [...queryKeys, ...ownKeys], `the address ${connection.url}`);
  for (const key of Object.keys(connection.settings))
    refuseUnknown(key, [...settingKeys, ...ownKeys], "the context's settings");
  const said = (key: string): string | null => query.get(key) || connection.settings[key] || null;
  if (host !== '' && !/^[a-z0-9-]+$/i.test(host))
    throw new UsageError(`"${host}" is no region of AWS`, {
      hint: 'the region stands where other systems have their host; write the host of an emulator as ?endpoint=http://HOST:PORT',
    });
  return {
    region: host === '' ? said('region') : host,
    endpoint: endpointOf(said('endpoint')),
    profile: said('profile'),
    keys: keysOf(connection),
  };
}

/** For people: `http://127.0.0.1:9324`, without a login; null: the service's own. */
export function shownEndpoint({ endpoint }: AwsAddress): string | null {
  return endpoint === null ? null : `${endpoint.origin}${endpoint.pathname.replace(/\/$/, '')}`;
}

function refuseUnknown(key: string, known: readonly string[], where: string): void {
  if (known.includes(key)) return;
  const meant = nearest(key, known);
  throw new UsageError(`unknown "${key}" in ${where}`, {
    hint: meant === null ? `known are ${known.join(', ')}` : `did you mean "${meant}"?`,
  });
}

function endpointOf(text: string | null): URL | null {
  if (text === null) return null;
  const url = /^https?:\/\//i.test(text) ? URL.parse(text) : null;
  if (url === null)
    throw new UsageError(`the endpoint "${text}" is no http:// or https:// URL`, {
      hint: 'write it as endpoint=http://127.0.0.1:9324',
    });
  return url;
}

function keysOf({ username, password, settings }: Connection): AwsAddress['keys'] {
  const sessionToken = settings['sessionToken'] ?? null;
  if (username === null && password === null) {
    if (sessionToken !== null)
      throw new UsageError('the setting sessionToken belongs to an access key, and the context has none', {
        hint: 'set username and password to the access key id and the secret access key, or leave all three to AWS_PROFILE',
      });
    return null;
  }
  if (username === null || password === null)
    throw new UsageError(
      `the access key of the context is half: ${username === null ? 'username (the access key id)' : 'password (the secret access key)'} is missing`,
      { hint: 'set both, or neither to use the keys of AWS_PROFILE or the environment' },
    );
  return { accessKeyId: username, secretAccessKey: password, sessionToken };
}

/** The same place for another service beside it, whose own endpoint `key` says, in the address or in the settings; else it has the same. */
export function withEndpointOf(connection: Connection, key: string): Connection {
  const [path = '', query = ''] = connection.url.split('?', 2);
  const parameters = new URLSearchParams(query);
  const { [key]: ownSetting, ...settings } = connection.settings;
  const own = parameters.get(key) || ownSetting || null;
  parameters.delete(key);
  if (own !== null) parameters.set('endpoint', own);
  const rest = parameters.toString();
  return { ...connection, url: rest === '' ? path : `${path}?${rest}`, settings };
}
