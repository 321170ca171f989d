import type { ConnectionOptions as TlsOptions } from 'node:tls';
import { UsageError } from '../../errors.ts';
import type { Connection } from '../driver.ts';

export interface Address {
  readonly host: string;
  readonly port: number;
}

/** `host:port` or `[v6]:port`; 9092 without a port. Null when it is neither. */
export function parseAddress(text: string): Address | null {
  const found = /^(?:\[([0-9a-f:.%]+)\]|([^:\s/[\]]+))(?::(\d{1,5}))?$/i.exec(text.trim());
  const host = found?.[1] ?? found?.[2];
  if (found === null || host === undefined) return null;
  const port = Number(found[3] ?? 9092);
  return port > 0 && port < 65_536 ? { host, port } : null;
}

/** The bootstrap brokers of `kafka://h1:9092,h2:9092`. Throws `UsageError`. */
export function bootstrapBrokers(url: string): readonly Address[] {
  const authority = /^[a-z][a-z0-9+.-]*:\/\/([^/?#]*)/i.exec(url)?.[1] ?? '';
  const brokers = authority.split(',').map((part) => parseAddress(part.replace(/^.*@/, '')));
  if (!brokers.every((broker) => broker !== null)) {
    throw new UsageError(`"${authority}" is no list of brokers`, {
      hint: 'write kafka://host:port, or kafka://h1:9092,h2:9092',
    });
  }
  return brokers;
}

/** Options of `tls.connect` for one broker; null for a plaintext connection. */
export function tlsOptions(connection: Connection, host: string): TlsOptions | null {
  const { tls } = connection;
  if (tls === null && !/^kafkas:/i.test(connection.url)) return null;
  const name = tls?.serverName ?? host;
  return {
    // An IP address is not a server name (RFC 6066), but the certificate is checked against it all the same.
    ...(/^[\d.]+$|:/.test(name) ? {} : { servername: name }),
    ...(tls?.ca ? { ca: tls.ca } : {}),
    ...(tls?.certificate ? { cert: tls.certificate } : {}),
    ...(tls?.key ? { key: tls.key } : {}),
    ...(tls?.keyPassphrase ? { passphrase: tls.keyPassphrase } : {}),
    rejectUnauthorized: !(tls?.insecure ?? false),
  };
}
