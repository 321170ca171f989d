/** A profile of Redpanda's `rpk`: one by itself (`rpk profile print`), or `rpk.yaml` with its `profiles`. */
import { UsageError } from '../../errors.ts';
import { fieldsOfUrl } from '../context.ts';
import { pathFrom } from '../folders.ts';
import { literal, passwordHint, type Imported, type ImportRequest } from './imported.ts';

type Mapping = Readonly<Record<string, unknown>>;

/** Of the profile only `kafka_api` concerns us. Throws `UsageError`. */
export async function importRpkProfile({ text, folder, section }: ImportRequest): Promise<Imported> {
  const yaml = await import('yaml');
  let content: unknown;
  try {
    content = yaml.parse(text, { prettyErrors: false });
  } catch {
    throw new UsageError('the file is no YAML');
  }
  const profile = chosenProfile(mappingOf(content), section);
  const kafka = mappingOf(profile['kafka_api']);
  const tls = mappingOf(kafka['tls']);
  const sasl = mappingOf(kafka['sasl']);
  const brokers = Array.isArray(kafka['brokers'])
    ? kafka['brokers'].filter((one) => typeof one === 'string')
    : [];
  if (brokers.length === 0)
    throw new UsageError('the profile names no brokers', { hint: 'it needs kafka_api.brokers' });

  const usesTls = kafka['tls'] !== undefined && kafka['tls'] !== null && tls['enabled'] !== false;
  const path = (...names: string[]): string | null => {
    const found = names.map((name) => textOf(tls[name])).find((value) => value !== null) ?? null;
    return found === null ? null : pathFrom(folder, found);
  };
  const fields = {
    ca: path('ca_file', 'truststore_file'),
    certificate: path('cert_file'),
    key: path('key_file'),
    keyPassphrase: null,
    serverName: null,
    insecure: tls['insecure_skip_verify'] === true,
  };
  const saysTls = Object.values(fields).some((value) => value !== null && value !== false);
  const password = textOf(sasl['password']);
  const mechanism = textOf(sasl['mechanism'] ?? sasl['type']);
  return {
    fields: {
      ...fieldsOfUrl(`${usesTls ? 'kafkas' : 'kafka'}://${literal(brokers.join(','))}`),
      username: textOf(sasl['user']),
      password,
      tls: usesTls && saysTls ? fields : null,
      sasl: mechanism === null ? null : { mechanism, fields: {} },
    },
    notUnderstood: [
      ...unknownKeys(profile, '', ['name', 'description', 'kafka_api']),
      ...unknownKeys(kafka, 'kafka_api.', ['brokers', 'tls', 'sasl']),
      ...unknownKeys(tls, 'kafka_api.tls.', [
        'enabled',
        'ca_file',
        'truststore_file',
        'cert_file',
        'key_file',
        'insecure_skip_verify',
      ]),
      ...unknownKeys(sasl, 'kafka_api.sasl.', ['user', 'password', 'mechanism', 'type']),
    ],
    hints: password === null ? [] : [passwordHint],
  };
}

function chosenProfile(content: Mapping, section: string | null): Mapping {
  const profiles = content['profiles'];
  if (!Array.isArray(profiles)) return content;
  const known = profiles.map(mappingOf);
  const name = section ?? content['current_profile'];
  const found = known.find((profile) => profile['name'] === name);
  if (found !== undefined) return found;
  const names = known.map((profile) => textOf(profile['name'])).filter((one) => one !== null);
  throw new UsageError('the file has several profiles', {
    hint: `say --section with one of ${names.join(', ')}`,
  });
}

function unknownKeys(mapping: Mapping, before: string, known: readonly string[]): string[] {
  return Object.keys(mapping)
    .filter((key) => !known.includes(key))
    .map((key) => before + key);
}

function mappingOf(value: unknown): Mapping {
  return isMapping(value) ? value : {};
}

function isMapping(value: unknown): value is Mapping {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function textOf(value: unknown): string | null {
  return typeof value === 'string' && value !== '' ? literal(value) : null;
}
