/** `rabbitmqadmin.conf`: sections of an INI file (version 1) or TOML tables of simple values (version 2). */
import { UsageError } from '../../errors.ts';
import { fieldsOfUrl } from '../context.ts';
import { pathFrom } from '../folders.ts';
import { literal, passwordHint, type Imported, type ImportRequest } from './imported.ts';

/** The tool speaks to the management API, so the file has no port of AMQP: its default is taken. Throws `UsageError`. */
export function importRabbitmqadmin({ text, folder, section }: ImportRequest): Imported {
  const options = new Map(chosenSection(readSections(text), section));
  const take = (...names: string[]): string | null => {
    let found: string | null = null;
    for (const name of names) {
      found ??= options.get(name) ?? null;
      options.delete(name);
    }
    return found === null || found === '' ? null : literal(found);
  };
  const flag = (...names: string[]): boolean => take(...names)?.toLowerCase() === 'true';
  const path = (...names: string[]): string | null => {
    const found = take(...names);
    return found === null ? null : pathFrom(folder, found);
  };

  const host = take('hostname', 'host') ?? 'localhost';
  const usesTls = flag('ssl', 'tls', 'use_tls');
  const port = take('port') ?? (usesTls ? '15671' : '15672');
  const prefix = take('path_prefix') ?? '';
  const vhost = take('vhost', 'declare_vhost') ?? '/';
  const tls = {
    ca: path('ssl_ca_cert_file', 'ca_certificate_bundle_path'),
    certificate: path('ssl_cert_file', 'client_certificate_file_path'),
    key: path('ssl_key_file', 'client_private_key_file_path'),
    keyPassphrase: null,
    serverName: null,
    insecure: flag('ssl_insecure', 'insecure'),
  };
  const username = take('username');
  const password = take('password');
  return {
    fields: {
      ...fieldsOfUrl(`${usesTls ? 'amqps' : 'amqp'}://${host}/${encodeURIComponent(vhost)}`),
      username,
      password,
      tls: usesTls && Object.values(tls).some((value) => value !== null && value !== false) ? tls : null,
      managementUrl: `${usesTls ? 'https' : 'http'}://${host}:${port}${prefix}`,
    },
    notUnderstood: [...options.keys()],
    hints: [
      `the port of AMQP is not in the file: ${usesTls ? '5671' : '5672'} is taken unless the url says another`,
      ...(password === null ? [] : [passwordHint]),
    ],
  };
}

type Sections = ReadonlyMap<string, ReadonlyMap<string, string>>;

function readSections(text: string): Sections {
  const sections = new Map<string, Map<string, string>>();
  let current = new Map<string, string>();
  for (const line of text.split(/\r?\n/)) {
    const name = /^\s*\[([^\]]+)\]\s*$/.exec(line)?.[1]?.trim();
    if (name !== undefined) {
      current = new Map();
      sections.set(name, current);
      continue;
    }
    const separator = line.search(/[=:]/);
    const key = line.slice(0, Math.max(0, separator)).trim();
    if (key !== '' && !/^[#;]/.test(key))
      current.set(key.toLowerCase(), unquoted(line.slice(separator + 1).trim()));
  }
  return sections;
}

function unquoted(text: string): string {
  return /^(["'])(.*)\1$/.exec(text)?.[2] ?? text;
}

function chosenSection(sections: Sections, named: string | null): ReadonlyMap<string, string> {
  const names = [...sections.keys()];
  const name = named ?? (names.length === 1 ? (names[0] ?? '') : 'default');
  const section = sections.get(name);
  if (section !== undefined) return section;
  throw new UsageError(
    named === null ? 'the file has several sections' : `the file has no section "${named}"`,
    {
      hint:
        names.length === 0 ? 'a section begins with [NAME]' : `say --section with one of ${names.join(', ')}`,
    },
  );
}
