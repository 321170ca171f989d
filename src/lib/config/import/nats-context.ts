/** A context of the `nats` tool: one JSON file of `~/.config/nats/context/`. */
import { UsageError } from '../../errors.ts';
import { fieldsOfUrl } from '../context.ts';
import { pathFrom } from '../folders.ts';
import { literal, passwordHint, type Imported, type ImportRequest } from './imported.ts';

/** Fields that are only of use to the tool itself. */
const unused = ['description'];

/** Credentials that are neither user and password go to `settings`. Throws `UsageError`. */
export function importNatsContext({ text, folder }: ImportRequest): Imported {
  const options = textsOf(text);
  for (const name of unused) options.delete(name);
  const take = (name: string): string | null => {
    const found = options.get(name) ?? '';
    options.delete(name);
    return found === '' ? null : literal(found);
  };
  const path = (name: string): string | null => {
    const found = take(name);
    return found === null ? null : pathFrom(folder, found);
  };

  const servers = take('url');
  if (servers === null) throw new UsageError('the file has no url');
  const tls = {
    ca: path('ca'),
    certificate: path('cert'),
    key: path('key'),
    keyPassphrase: null,
    serverName: null,
    insecure: false,
  };
  const password = take('password');
  const settings = {
    token: take('token'),
    creds: path('creds'),
    nkey: path('nkey'),
    inboxPrefix: take('inbox_prefix'),
    jetstreamDomain: take('jetstream_domain'),
    jetstreamApiPrefix: take('jetstream_api_prefix'),
  };
  const [first = '', ...others] = servers.split(',').map((server) => server.trim());
  return {
    fields: {
      ...fieldsOfUrl([first, ...others.map((server) => server.replace(/^[a-z]+:\/\//, ''))].join(',')),
      username: take('user'),
      password,
      tls: tls.ca !== null || tls.certificate !== null ? tls : null,
      settings: Object.fromEntries(
        Object.entries(settings).filter((entry): entry is [string, string] => entry[1] !== null),
      ),
    },
    notUnderstood: [...options].filter(([, value]) => value !== '').map(([name]) => name),
    hints: password === null && settings.token === null ? [] : [passwordHint],
  };
}

/** Its values are texts; others are kept as such so that they are named when they mean nothing here. */
function textsOf(text: string): Map<string, string> {
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    throw new UsageError('the file is no JSON');
  }
  if (typeof parsed !== 'object' || parsed === null || Array.isArray(parsed))
    throw new UsageError('the file holds no JSON object');
  const values = Object.entries(parsed).map(([name, value]: [string, unknown]) => {
    if (typeof value === 'string') return [name, value] as const;
    return [name, value === null || value === false ? '' : JSON.stringify(value)] as const;
  });
  return new Map(values);
}
