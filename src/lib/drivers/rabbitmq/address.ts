/** Where to connect and how to log in, from a context's URL (RabbitMQ, "URI Specification"). */
import { isIP } from 'node:net';
import { addressText } from '../../address-text.ts';
import type { ConnectionOptions as TlsOptions } from 'node:tls';
import { UsageError } from '../../errors.ts';
import type { Connection } from '../driver.ts';
import type { AmqpAddress } from './amqp-client.ts';

const defaultPort = { plain: 5672, tls: 5671 } as const;
/** A dead broker is noticed after two of these. */
const heartbeatSeconds = 20;

export interface ParsedAddress extends AmqpAddress {
  /** `amqp://localhost:5672/orders`, without user and password. */
  readonly target: string;
}

/** Throws `UsageError`. */
export function parseAddress(connection: Connection): ParsedAddress {
  const url = URL.parse(connection.url);
  if (url === null)
    throw new UsageError(`"${connection.url}" is no URL`, { hint: 'write amqp://localhost:5672/vhost' });
  const secure = url.protocol === 'amqps:' || connection.tls !== null;
  // An IPv6 address stands in brackets.
  const host = url.hostname === '' ? 'localhost' : url.hostname.replace(/^\[|\]$/g, '');
  const port = url.port === '' ? (secure ? defaultPort.tls : defaultPort.plain) : Number(url.port);
  const vhost = parseVhost(url.pathname, connection.url);
  const reachable = mappedAddress(connection, host, port);
  const scheme = secure ? 'amqps' : 'amqp';
  return {
    ...reachable,
    vhost,
    tls: secure ? tlsOptions(connection, host) : null,
    login: parseLogin(connection),
    heartbeat: parseHeartbeat(connection.settings['heartbeat'] ?? url.searchParams.get('heartbeat')),
    target: `${scheme}://${addressText({ host, port })}${vhost === '/' ? '' : `/${encodeURIComponent(vhost)}`}`,
  };
}

/** `amqp://host` and `amqp://host/` are the virtual host `/`, which can also be written `%2F`. */
function parseVhost(pathname: string, url: string): string {
  const name = pathname.replace(/^\//, '');
  if (name === '') return '/';
  try {
    return decodeURIComponent(name);
  } catch {
    throw new UsageError(`the virtual host in "${url}" is badly written`, { hint: 'write % as %25' });
  }
}

/** Where an advertised address can be reached, by the context's `addressMap`. */
export function mappedAddress(
  { addressMap }: Connection,
  host: string,
  port: number,
): { readonly host: string; readonly port: number } {
  const reachable = addressMap.get(addressText({ host, port }));
  if (reachable === undefined) return { host, port };
  const colon = reachable.lastIndexOf(':');
  return {
    host: reachable.slice(0, colon).replace(/^\[|\]$/g, ''),
    port: Number(reachable.slice(colon + 1)),
  };
}

function tlsOptions({ tls }: Connection, host: string): TlsOptions {
  if (tls === null) return isIP(host) === 0 ? { servername: host } : {};
  const serverName = tls.serverName ?? (isIP(host) === 0 ? host : null);
  return {
    // A name may not be an IP address; Node then checks the certificate for the address.
    ...(serverName !== null && { servername: serverName }),
    ...(tls.ca !== null && { ca: tls.ca }),
    ...(tls.certificate !== null && { cert: tls.certificate }),
    ...(tls.key !== null && { key: tls.key }),
    ...(tls.keyPassphrase !== null && { passphrase: tls.keyPassphrase }),
    rejectUnauthorized: !tls.insecure,
  };
}

/** RabbitMQ's own default login works from its own machine only. */
function parseLogin({ username, password, sasl }: Connection): AmqpAddress['login'] {
  const mechanism = sasl?.mechanism.toUpperCase() ?? 'PLAIN';
  if (mechanism === 'EXTERNAL') return { mechanism };
  if (mechanism !== 'PLAIN')
    throw new UsageError(`the RabbitMQ driver does not know the SASL mechanism "${sasl?.mechanism ?? ''}"`, {
      hint: 'use PLAIN, or EXTERNAL with a client certificate',
    });
  return { mechanism, username: username ?? 'guest', password: password ?? 'guest' };
}

function parseHeartbeat(text: string | null): number {
  if (text === null) return heartbeatSeconds;
  if (/^\d{1,5}$/.test(text) && Number(text) <= 0xffff) return Number(text);
  throw new UsageError(`heartbeat takes whole seconds, not "${text}"`);
}
