/**
 * The shape of a context file, checked by hand so that each error names its place, the key and what was meant:
 *
 *     current: dev
 *     contexts:
 *       dev: { url: "kafka://localhost:9092" }
 */
import { nearest } from '../nearest.ts';
import { registryApis } from '../schema/registry/settings.ts';
import type { ContextFields, RegistryFields, SaslFields, TlsFields } from './context.ts';

/** A key's path from the top of the file, for its line and column. */
export type KeyPath = readonly string[];

/** Ends the reading of a file: `path` is turned into a line and a column by the reader. */
export type Refuse = (path: KeyPath, message: string, hint?: string) => never;

export interface ContextFileContent {
  readonly current: string | null;
  readonly contexts: ReadonlyMap<string, ContextFields>;
}

type Mapping = Readonly<Record<string, unknown>>;

/** No colon (that is a URL), no at sign (that is `CHANNEL@CONTEXT`), no slash, no blank, no option's minus. */
export const contextName = /^[A-Za-z0-9_][A-Za-z0-9_.-]*$/;

const fileKeys = ['current', 'contexts'];
const contextKeys = [
  'url',
  'username',
  'password',
  'tls',
  'sasl',
  'managementUrl',
  'addressMap',
  'settings',
  'readOnly',
  'protected',
  'resolvedTopic',
  'registry',
];
const registryKeys = ['url', 'api', 'username', 'password', 'token', 'tls'];
const tlsKeys = ['ca', 'certificate', 'key', 'keyPassphrase', 'serverName', 'insecure'];

/** Reads the content of a whole file. An empty file has no contexts. */
export function readFileContent(content: unknown, refuse: Refuse): ContextFileContent {
  if (content === null || content === undefined) return { current: null, contexts: new Map() };
  const file = mapping(content, [], refuse);
  refuseUnknown(file, fileKeys, [], refuse);
  const named = file['contexts'] ?? {};
  const contexts = new Map<string, ContextFields>();
  for (const [name, fields] of Object.entries(mapping(named, ['contexts'], refuse))) {
    if (!contextName.test(name))
      refuse(
        ['contexts', name],
        `${JSON.stringify(name)} cannot be the name of a context`,
        'use letters, digits, ".", "_" and "-"',
      );
    contexts.set(name, readFields(fields, ['contexts', name], refuse));
  }
  return { current: optionalText(file, 'current', [], refuse), contexts };
}

function readFields(content: unknown, path: KeyPath, refuse: Refuse): ContextFields {
  const fields = mapping(content, path, refuse);
  refuseUnknown(fields, contextKeys, path, refuse);
  const url = optionalText(fields, 'url', path, refuse);
  if (url === null)
    return refuse(path, `the context has no url`, 'add one, such as url: kafka://localhost:9092');
  return {
    url,
    username: optionalText(fields, 'username', path, refuse),
    password: optionalText(fields, 'password', path, refuse),
    tls: readTls(fields['tls'], [...path, 'tls'], refuse),
    sasl: readSasl(fields['sasl'], [...path, 'sasl'], refuse),
    managementUrl: optionalText(fields, 'managementUrl', path, refuse),
    addressMap: readAddressMap(fields['addressMap'], [...path, 'addressMap'], refuse),
    settings: texts(fields['settings'], [...path, 'settings'], refuse),
    readOnly: flag(fields, 'readOnly', path, refuse),
    protected: flag(fields, 'protected', path, refuse),
    resolvedTopic: optionalText(fields, 'resolvedTopic', path, refuse),
    registry: readRegistry(fields['registry'], [...path, 'registry'], refuse),
  };
}

/** `tls: true` is TLS with the system's own certificates. */
function readTls(content: unknown, path: KeyPath, refuse: Refuse): TlsFields | null {
  if (content === undefined || content === null || content === false) return null;
  const tls = content === true ? {} : mapping(content, path, refuse);
  refuseUnknown(tls, tlsKeys, path, refuse);
  const fields: TlsFields = {
    ca: optionalText(tls, 'ca', path, refuse),
    certificate: optionalText(tls, 'certificate', path, refuse),
    key: optionalText(tls, 'key', path, refuse),
    keyPassphrase: optionalText(tls, 'keyPassphrase', path, refuse),
    serverName: optionalText(tls, 'serverName', path, refuse),
    insecure: flag(tls, 'insecure', path, refuse),
  };
  if ((fields.certificate === null) !== (fields.key === null))
    refuse(path, 'certificate and key stand together: one of the two is missing');
  return fields;
}

/** `registry: http://host:8081` is short for a mapping with that url. */
function readRegistry(content: unknown, path: KeyPath, refuse: Refuse): RegistryFields | null {
  if (content === undefined || content === null) return null;
  const registry = typeof content === 'string' ? { url: content } : mapping(content, path, refuse);
  refuseUnknown(registry, registryKeys, path, refuse);
  const url = optionalText(registry, 'url', path, refuse);
  if (url === null)
    return refuse(path, 'the registry has no url', 'add one, such as url: http://localhost:8081');
  const said = optionalText(registry, 'api', path, refuse);
  const api = registryApis.find((known) => known === said) ?? null;
  if (said !== null && api === null)
    return refuse([...path, 'api'], `no registry api "${said}"`, `known are ${registryApis.join(', ')}`);
  return {
    url,
    api,
    username: optionalText(registry, 'username', path, refuse),
    password: optionalText(registry, 'password', path, refuse),
    token: optionalText(registry, 'token', path, refuse),
    tls: readTls(registry['tls'], [...path, 'tls'], refuse),
  };
}

function readSasl(content: unknown, path: KeyPath, refuse: Refuse): SaslFields | null {
  if (content === undefined || content === null) return null;
  const { mechanism, ...fields } = texts(content, path, refuse);
  if (mechanism === undefined)
    return refuse(path, 'sasl has no mechanism', 'add one, such as mechanism: SCRAM-SHA-512');
  for (const name of ['username', 'password'])
    if (fields[name] !== undefined)
      refuse([...path, name], `${name} stands beside sasl, not in it`, `move it up to the context itself`);
  return { mechanism, fields };
}

function readAddressMap(content: unknown, path: KeyPath, refuse: Refuse): Readonly<Record<string, string>> {
  const addresses = texts(content, path, refuse);
  for (const [advertised, reachable] of Object.entries(addresses))
    for (const address of [advertised, reachable])
      if (!/^(?:\[[^\]]+\]|[^:]+):\d+$/.test(address) && !address.includes('${'))
        refuse(
          [...path, advertised],
          `${JSON.stringify(address)} is no host:port`,
          'write "kafka-1.internal:9092": "localhost:19092"',
        );
  return addresses;
}

function mapping(content: unknown, path: KeyPath, refuse: Refuse): Mapping {
  if (!isMapping(content)) return refuse(path, `${nameOf(path)} is not a mapping of keys to values`);
  return content;
}

function isMapping(content: unknown): content is Mapping {
  return typeof content === 'object' && content !== null && !Array.isArray(content);
}

function texts(content: unknown, path: KeyPath, refuse: Refuse): Readonly<Record<string, string>> {
  if (content === undefined || content === null) return {};
  const entries = Object.entries(mapping(content, path, refuse));
  return Object.fromEntries(entries.map(([key, value]) => [key, asText(value, [...path, key], refuse)]));
}

/** Numbers and booleans are meant as the texts that they look like. */
function asText(value: unknown, path: KeyPath, refuse: Refuse): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  return refuse(path, `${nameOf(path)} is not a text`);
}

function optionalText(fields: Mapping, key: string, path: KeyPath, refuse: Refuse): string | null {
  const value = fields[key];
  if (value === undefined || value === null) return null;
  // A password of digits would lose its leading zeros: as a number it was read already.
  if (typeof value === 'number') return refuse([...path, key], `${key} is a number`, 'put it in quotes');
  return asText(value, [...path, key], refuse);
}

function flag(fields: Mapping, key: string, path: KeyPath, refuse: Refuse): boolean {
  const value = fields[key] ?? false;
  return typeof value === 'boolean' ? value : refuse([...path, key], `${key} is neither true nor false`);
}

function refuseUnknown(fields: Mapping, known: readonly string[], path: KeyPath, refuse: Refuse): void {
  for (const key of Object.keys(fields)) {
    if (known.includes(key)) continue;
    const meant = nearest(key, known);
    refuse(
      [...path, key],
      `unknown key ${JSON.stringify(key)}${path.length === 0 ? '' : ` in ${nameOf(path)}`}`,
      meant === null ? `known are ${known.join(', ')}` : `did you mean "${meant}"?`,
    );
  }
}

function nameOf(path: KeyPath): string {
  const [first, second, ...inner] = path;
  if (first === undefined) return 'the file';
  if (second === undefined) return first;
  return first === 'contexts'
    ? `context "${second}"${inner.length === 0 ? '' : `, ${inner.join('.')}`}`
    : path.join('.');
}
