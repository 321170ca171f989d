/** What of a context may be shown: secrets are replaced, placeholders stay, since they only say where a secret lies. */
import { isUrl, splitAddress } from './address.ts';
import type { ContextFields, RegistryFields, SaslFields, TlsFields } from './context.ts';
import { hasPlaceholder } from './placeholder.ts';

const redacted = '(hidden)';

/** Fields of SASL mechanisms that are no secret; every other one is taken for one. */
const openSaslFields: ReadonlySet<string> = new Set([
  'authorizationId',
  'clientId',
  'profile',
  'region',
  'roleArn',
  'scope',
  'tokenEndpoint',
]);

const secretName = /pass|secret|token|credential|(?:api|access|account|private|shared).?key|sasl\.jaas/i;

/** The same fields with every secret replaced by `(hidden)`. */
export function redactFields(fields: ContextFields): ContextFields {
  return {
    ...fields,
    url: redactUrl(fields.url),
    password: hide(fields.password),
    tls: redactTls(fields.tls),
    sasl: fields.sasl === null ? null : { ...fields.sasl, fields: redactSasl(fields.sasl) },
    managementUrl: fields.managementUrl === null ? null : redactUrl(fields.managementUrl),
    settings: redactSettings(fields.settings),
    registry: fields.registry === null ? null : redactRegistry(fields.registry),
  };
}

/** Whether a secret stands in the file itself. */
export function holdsSecret(fields: ContextFields): boolean {
  return JSON.stringify(redactFields(fields)).includes(redacted);
}

/** The URL with its password, and what its query calls a secret, replaced. */
export function redactUrl(text: string): string {
  if (!isUrl(text)) return hasPlaceholder(text) ? text : redacted;
  const { scheme, url, username, password } = splitAddress(text);
  const open = url.replace(/([?&])([^=&]+)=([^&]*)/g, (all, mark: string, name: string, value: string) =>
    secretName.test(name) && !hasPlaceholder(value) ? `${mark}${name}=${redacted}` : all,
  );
  if (username === null && password === null) return open;
  const login = `${encodeLogin(username)}${password === null ? '' : `:${hideText(password)}`}`;
  return `${scheme}://${login}@${open.slice(scheme.length + '://'.length)}`;
}

function redactRegistry(registry: RegistryFields): RegistryFields {
  return {
    ...registry,
    url: redactUrl(registry.url),
    password: hide(registry.password),
    token: hide(registry.token),
    tls: redactTls(registry.tls),
  };
}

function redactTls(tls: TlsFields | null): TlsFields | null {
  return tls === null ? null : { ...tls, key: hidePem(tls.key), keyPassphrase: hide(tls.keyPassphrase) };
}

function encodeLogin(username: string | null): string {
  return username === null || hasPlaceholder(username) ? (username ?? '') : encodeURIComponent(username);
}

function redactSasl({ fields }: SaslFields): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [name, openSaslFields.has(name) ? value : hideText(value)]),
  );
}

function redactSettings(settings: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
  return Object.fromEntries(
    Object.entries(settings).map(([name, value]) => [name, secretName.test(name) ? hideText(value) : value]),
  );
}

function hide(text: string | null): string | null {
  return text === null ? null : hideText(text);
}

function hideText(text: string): string {
  return hasPlaceholder(text) ? text : redacted;
}

/** A path to a key is no secret, the key itself is. */
function hidePem(text: string | null): string | null {
  return text !== null && text.includes('-----BEGIN ') ? redacted : text;
}
