/** A Kafka client's properties, Java's or librdkafka's, as a context. Their names do not collide, so one table serves both. */
import { UsageError } from '../../errors.ts';
import { fieldsOfUrl, type TlsFields } from '../context.ts';
import { pathFrom } from '../folders.ts';
import { literal, passwordHint, type Imported, type ImportRequest } from './imported.ts';
import { readJaas } from './jaas.ts';
import { readJavaProperties, readKcatConf } from './key-values.ts';

/** Java's `client.properties`. Throws `UsageError`. */
export function importJavaProperties(request: ImportRequest): Imported {
  return importProperties(readJavaProperties(request.text), request);
}

/** `kcat.conf`. Throws `UsageError`. */
export function importKcatConf(request: ImportRequest): Imported {
  return importProperties(readKcatConf(request.text), request);
}

function importProperties(properties: ReadonlyMap<string, string>, { folder }: ImportRequest): Imported {
  const used = new Set<string>();
  const take = (...names: string[]): string | null => {
    let found: string | null = null;
    for (const name of names) {
      const value = properties.get(name);
      if (value === undefined) continue;
      used.add(name);
      found ??= value;
    }
    return found === null || found === '' ? null : literal(found);
  };
  const path = (...names: string[]): string | null => {
    const found = take(...names);
    return found === null ? null : pathFrom(folder, found);
  };

  const brokers = take('bootstrap.servers', 'metadata.broker.list');
  if (brokers === null)
    throw new UsageError('the file names no brokers', { hint: 'it needs bootstrap.servers=host:port' });
  const protocol = (take('security.protocol') ?? 'PLAINTEXT').toUpperCase();
  const usesTls = protocol === 'SSL' || protocol === 'SASL_SSL';
  const jaas = readJaas(take('sasl.jaas.config') ?? '');
  const password = take('sasl.password') ?? jaas.password;
  const mechanism = take('sasl.mechanism', 'sasl.mechanisms');
  const tls = tlsOf(take, path);
  const url = `${usesTls ? 'kafkas' : 'kafka'}://${brokers.split(',').map(address).join(',')}`;
  const notUnderstood = [...properties.keys()].filter((name) => !used.has(name)).concat(jaas.notUnderstood);
  return {
    fields: {
      ...fieldsOfUrl(url),
      username: take('sasl.username') ?? jaas.username,
      password,
      tls: usesTls ? tls : null,
      sasl: protocol.startsWith('SASL') && mechanism !== null ? { mechanism, fields: jaas.fields } : null,
    },
    notUnderstood: notUnderstood.filter((name) => name !== 'sasl.username'),
    hints: [
      ...(password === null ? [] : [passwordHint]),
      ...(notUnderstood.some((name) => /^ssl\.(?:trust|key)store\./.test(name))
        ? [
            'key stores of Java are not read: convert them to PEM, and name them as tls.ca, tls.certificate and tls.key',
          ]
        : []),
    ],
  };
}

/** `SASL_SSL://host:port` is how listeners are written. */
function address(broker: string): string {
  return broker.trim().replace(/^[A-Za-z_]+:\/\//, '');
}

type Take = (...names: string[]) => string | null;

/** PEM alone: `ssl.truststore.location` is one only where its type says so. */
function tlsOf(take: Take, path: Take): TlsFields | null {
  const trustedPem = take('ssl.truststore.type')?.toUpperCase() === 'PEM';
  const keyPem = take('ssl.keystore.type')?.toUpperCase() === 'PEM';
  const keyFile = keyPem ? path('ssl.keystore.location') : null;
  const checks = take('enable.ssl.certificate.verification');
  const tls: TlsFields = {
    ca:
      path('ssl.ca.location') ??
      take('ssl.truststore.certificates', 'ssl.ca.pem') ??
      (trustedPem ? path('ssl.truststore.location') : null),
    certificate:
      path('ssl.certificate.location') ??
      take('ssl.keystore.certificate.chain', 'ssl.certificate.pem') ??
      keyFile,
    key: path('ssl.key.location') ?? take('ssl.keystore.key', 'ssl.key.pem') ?? keyFile,
    keyPassphrase: take('ssl.key.password'),
    serverName: null,
    insecure: checks === 'false',
  };
  const says = Object.values(tls).some((value) => value !== null && value !== false);
  return says ? tls : null;
}
