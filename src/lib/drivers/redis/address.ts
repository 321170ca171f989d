/** Where to connect and how to log in, from a context's URL: `redis://h1:6379,h2:6379/0?sentinel=orders`. */
import { addressText } from '../../address-text.ts';
import type { ConnectionOptions as TlsOptions } from 'node:tls';
import { UsageError } from '../../errors.ts';
import type { Connection } from '../driver.ts';
import type { FieldNames } from './entry-codec.ts';

const defaultPort = 6379;

export interface HostAndPort {
  readonly host: string;
  readonly port: number;
}

export interface ParsedAddress {
  /** Tried in this order: the server, nodes of a cluster, or sentinels. */
  readonly hosts: readonly HostAndPort[];
  readonly database: number;
  /** The primary's name at the sentinels; null: these are no sentinels. */
  readonly sentinel: {
    readonly primary: string;
    readonly username: string | null;
    readonly password: string | null;
  } | null;
  readonly username: string | null;
  readonly password: string | null;
  /** null: no TLS. */
  readonly tls: TlsOptions | null;
  readonly addressMap: ReadonlyMap<string, string>;
  /** `redis://localhost:6379`, without user and password. */
  readonly target: string;
  readonly names: FieldNames;
  /** An entry that a group was given so often is a dead letter. */
  readonly maxDeliveries: number;
  /** What nobody touched for so long is nobody's: it may be claimed. */
  readonly minIdleMs: number;
}

const settings = [
  'sentinel',
  'sentinelUsername',
  'sentinelPassword',
  'valueField',
  'keyField',
  'maxDeliveries',
  'minIdleMs',
];

/** Throws `UsageError`. */
export function parseAddress(connection: Connection): ParsedAddress {
  const { hosts, database, query } = takeApart(connection.url);
  for (const name of [...query.keys(), ...Object.keys(connection.settings)])
    if (!settings.includes(name))
      throw new UsageError(`the Redis driver knows no setting "${name}"`, {
        hint: `known are ${settings.join(', ')}`,
      });
  const said = (name: string): string | null => connection.settings[name] ?? query.get(name);
  if (query.has('sentinelPassword'))
    throw new UsageError('the password of the sentinels does not belong into the URL', {
      hint: 'set settings.sentinelPassword in the context',
    });
  const secure = connection.url.toLowerCase().startsWith('rediss:') || connection.tls !== null;
  const primary = said('sentinel');
  return {
    hosts: hosts.map((host) => mappedAddress(connection.addressMap, host)),
    database,
    sentinel:
      primary === null
        ? null
        : { primary, username: said('sentinelUsername'), password: said('sentinelPassword') },
    username: connection.username,
    password: connection.password,
    tls: secure ? tlsOptions(connection) : null,
    addressMap: connection.addressMap,
    target: `${secure ? 'rediss' : 'redis'}://${hosts.map(addressText).join(',')}${database === 0 ? '' : `/${String(database)}`}${primary === null ? '' : `?sentinel=${encodeURIComponent(primary)}`}`,
    names: { value: said('valueField') ?? 'value', key: said('keyField') ?? 'key' },
    maxDeliveries: wholeNumber('maxDeliveries', said('maxDeliveries') ?? '5'),
    minIdleMs: wholeNumber('minIdleMs', said('minIdleMs') ?? '30000'),
  };
}

function takeApart(url: string): {
  readonly hosts: readonly HostAndPort[];
  readonly database: number;
  readonly query: URLSearchParams;
} {
  const parts = /^rediss?:\/\/([^/?#]*)(?:\/([^?#]*))?(?:\?([^#]*))?$/i.exec(url);
  if (parts === null)
    throw new UsageError(`"${url}" is no address of Redis`, { hint: 'write redis://localhost:6379' });
  const database = parts[2] ?? '';
  if (!/^\d{0,6}$/.test(database))
    throw new UsageError(`"${database}" is no database of Redis: a number is needed`, {
      hint: 'write redis://localhost:6379/0',
    });
  return {
    hosts: (parts[1] ?? '').split(',').map(hostOf),
    database: Number(database),
    query: new URLSearchParams(parts[3] ?? ''),
  };
}

function hostOf(text: string): HostAndPort {
  const parts = /^(?:\[([^\]]+)\]|([^:]*))(?::(\d{1,5}))?$/.exec(text);
  if (parts === null) throw new UsageError(`"${text}" is no host`, { hint: 'write localhost:6379' });
  const host = parts[1] ?? parts[2] ?? '';
  return { host: host === '' ? 'localhost' : host, port: Number(parts[3] ?? defaultPort) };
}

/** Where an address can be reached, by the context's `addressMap`; an IPv6 address stands in brackets there. */
export function mappedAddress(addressMap: ReadonlyMap<string, string>, address: HostAndPort): HostAndPort {
  const reachable = addressMap.get(addressText(address));
  return reachable === undefined ? address : hostOf(reachable);
}

function tlsOptions({ tls }: Connection): TlsOptions {
  if (tls === null) return {};
  return {
    ...(tls.serverName !== null && { servername: tls.serverName }),
    ...(tls.ca !== null && { ca: tls.ca }),
    ...(tls.certificate !== null && { cert: tls.certificate }),
    ...(tls.key !== null && { key: tls.key }),
    ...(tls.keyPassphrase !== null && { passphrase: tls.keyPassphrase }),
    rejectUnauthorized: !tls.insecure,
  };
}

function wholeNumber(name: string, text: string): number {
  if (/^\d{1,9}$/.test(text) && Number(text) > 0) return Number(text);
  throw new UsageError(`${name} takes a whole number from 1, not "${text}"`);
}
