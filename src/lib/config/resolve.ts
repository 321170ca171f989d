/** From what the user named to a context, and from a context to a connection. */
import { dirname } from 'node:path';

import type { Connection } from '../drivers/driver.ts';
import { NotFoundError, UsageError } from '../errors.ts';
import { nearest } from '../nearest.ts';
import type { TlsSettings } from '../tls-settings.ts';
import { isUrl, splitAddress, type Address } from './address.ts';
import type { RegistrySettings } from '../schema/registry/settings.ts';
import { fieldsOfUrl, type Context, type Resolving, type TlsFields } from './context.ts';
import { pathFrom } from './folders.ts';
import { knownContexts, type KnownContext, type KnownContexts } from './contexts.ts';
import { holdsSecret } from './redact.ts';
import { parseTemplate } from './placeholder.ts';
import { readableByOthers } from './private-file.ts';
import { SecretResolver } from './secret.ts';

/**
 * The context that `-c` names (a name or a URL), else the current one. Resolves no secret.
 * Throws `NotFoundError` for an unknown name, `UsageError` where nothing is chosen or a file is wrong.
 */
export async function resolveContext(chosen: string | undefined, resolving: Resolving): Promise<Context> {
  const named = chosen ?? resolving.environment['MQCTL_CONTEXT'];
  if (named !== undefined && isUrl(named)) return contextOfUrl(named);
  const known = await knownContexts(resolving);
  const name = chosen ?? known.current;
  if (name === null || name === '') throw noContext(known);
  const found = known.byName.get(name);
  if (found === undefined) throw unknownContext(name, known);
  if (known.refused.includes(name) && known.projectFile !== null)
    resolving.warn(`using your own "${name}": the one of ${known.projectFile.file} is not trusted`);
  await warnOfReaders(found, resolving);
  return contextOf(found, resolving);
}

/** Fills the placeholders of this one context. Throws `UsageError` that names the field, never a value. */
export async function connectionOf(context: Context, resolving: Resolving): Promise<Connection> {
  const { fields, origin } = context;
  const secrets = new SecretResolver(context.name, origin, resolving);
  const optional = async (text: string | null, field: string): Promise<string | null> =>
    text === null ? null : secrets.text(text, field);
  const each = async (
    texts: Readonly<Record<string, string>>,
    field: string,
  ): Promise<[string, string][]> => {
    const filled: [string, string][] = [];
    for (const [name, text] of Object.entries(texts))
      filled.push([name, await secrets.text(text, `${field}.${name}`)]);
    return filled;
  };

  const address = await filledAddress(context, secrets);
  return {
    url: absoluteLocal(address.url, context),
    username: (await optional(fields.username, 'username')) ?? address.username,
    password: (await optional(fields.password, 'password')) ?? address.password,
    tls: await tlsOf(context, address.scheme, secrets),
    sasl:
      fields.sasl === null
        ? null
        : {
            mechanism: fields.sasl.mechanism,
            fields: Object.fromEntries(await each(fields.sasl.fields, 'sasl')),
          },
    managementUrl: await optional(fields.managementUrl, 'managementUrl'),
    addressMap: new Map(await each(fields.addressMap, 'addressMap')),
    settings: Object.fromEntries(await each(fields.settings, 'settings')),
    resolvedTopic: fields.resolvedTopic,
  };
}

function contextOfUrl(text: string): Context {
  const { url } = splitAddress(text);
  return {
    name: url,
    url,
    origin: { kind: 'url' },
    readOnly: false,
    protected: false,
    resolvedTopic: null,
    fields: fieldsOfUrl(text),
  };
}

async function contextOf({ name, origin, fields }: KnownContext, resolving: Resolving): Promise<Context> {
  const context: Context = {
    name,
    url: '',
    origin,
    readOnly: fields.readOnly,
    protected: fields.protected,
    resolvedTopic: fields.resolvedTopic,
    fields,
  };
  return { ...context, url: absoluteLocal(await shownUrl(context, resolving), context) };
}

/** The scheme has to be known before anything is run or asked, so a URL is written out or comes from the environment. */
async function shownUrl(context: Context, resolving: Resolving): Promise<string> {
  const { url } = context.fields;
  if (isUrl(url)) return splitAddress(url).url;
  const parts = parseTemplate(url, `context "${context.name}", url`);
  if (parts.some((part) => typeof part !== 'string' && part.kind !== 'env') || !url.includes('${'))
    throw new UsageError(`context "${context.name}", url: begins with no scheme`, {
      hint: 'write it as kafka://host:9092, with placeholders only after the scheme, or as ${env:NAME}',
    });
  const secrets = new SecretResolver(context.name, context.origin, resolving);
  return splitAddress(await secrets.text(url, 'url')).url;
}

async function filledAddress(context: Context, secrets: SecretResolver): Promise<Address> {
  const { url } = context.fields;
  // Where all comes from the environment, the URL is taken apart afterwards, and is no template any more.
  if (!isUrl(url)) return splitAddress(await secrets.text(url, 'url'));
  const { scheme, ...address } = splitAddress(url);
  return {
    scheme,
    url: await secrets.text(address.url, 'url'),
    username: address.username === null ? null : await secrets.text(address.username, 'url (user)'),
    password: address.password === null ? null : await secrets.text(address.password, 'url (password)'),
  };
}

/** A relative path in a file is relative to that file. */
function absoluteLocal(url: string, { origin }: Context): string {
  const path = /^local:(.+)$/s.exec(url)?.[1];
  if (path === undefined || origin.kind === 'url') return url;
  return `local:${pathFrom(dirname(origin.file), path)}`;
}

/** Plain schemes whose TLS is a scheme of its own: `tls` beside the plain one would be a connection without it. */
const tlsSchemes: ReadonlyMap<string, string> = new Map([
  ['kafka', 'kafkas'],
  ['amqp', 'amqps'],
  ['redis', 'rediss'],
  ['http', 'https'],
]);

/** Schemes that are TLS and have no plain one of that form: a plain `nats:` may have `tls` beside it. */
const alwaysTls: readonly string[] = [...tlsSchemes.values(), 'nats+tls', 'tls'];

async function tlsOf(context: Context, scheme: string, secrets: SecretResolver): Promise<TlsSettings | null> {
  const { tls } = context.fields;
  const withTls = tlsSchemes.get(scheme);
  if (tls !== null && withTls !== undefined)
    throw new UsageError(`context "${context.name}": tls is set, but ${scheme}:// is without TLS`, {
      hint: `write ${withTls}://`,
    });
  if (tls === null && !alwaysTls.includes(scheme)) return null;
  return filledTls(tls, 'tls', secrets);
}

async function filledTls(
  tls: TlsFields | null,
  place: string,
  secrets: SecretResolver,
): Promise<TlsSettings> {
  const pem = async (text: string | null | undefined, field: string): Promise<string | null> =>
    text === null || text === undefined ? null : secrets.pem(text, `${place}.${field}`);
  const plain = async (text: string | null | undefined, field: string): Promise<string | null> =>
    text === null || text === undefined ? null : secrets.text(text, `${place}.${field}`);
  return {
    ca: await pem(tls?.ca, 'ca'),
    certificate: await pem(tls?.certificate, 'certificate'),
    key: await pem(tls?.key, 'key'),
    keyPassphrase: await plain(tls?.keyPassphrase, 'keyPassphrase'),
    serverName: await plain(tls?.serverName, 'serverName'),
    insecure: tls?.insecure ?? false,
  };
}

/**
 * Where the schemas of this context are registered; null where it names no registry. Its placeholders are filled only
 * now, for what needs schemas. Throws `UsageError` that names the field, never a value.
 */
export async function registryOf(context: Context, resolving: Resolving): Promise<RegistrySettings | null> {
  const { registry } = context.fields;
  if (registry === null) return null;
  const secrets = new SecretResolver(context.name, context.origin, resolving);
  const optional = async (text: string | null, field: string): Promise<string | null> =>
    text === null ? null : secrets.text(text, `registry.${field}`);
  const address = splitRegistry(await secrets.text(registry.url, 'registry.url'));
  return {
    ...address,
    api: registry.api,
    username: (await optional(registry.username, 'username')) ?? address.username,
    password: (await optional(registry.password, 'password')) ?? address.password,
    token: await optional(registry.token, 'token'),
    tls: registry.tls === null ? null : await filledTls(registry.tls, 'registry.tls', secrets),
  };
}

/** A registry that was said on the command line: its URL is all there is. */
export function registryOfUrl(text: string): RegistrySettings {
  return { ...splitRegistry(text), api: null, token: null, tls: null };
}

function splitRegistry(text: string): Pick<RegistrySettings, 'url' | 'username' | 'password'> {
  if (!/^https?:/i.test(text))
    throw new UsageError('the address of the registry is no http:// or https:// URL', {
      hint: 'write it as http://localhost:8081',
    });
  const { url, username, password } = splitAddress(text);
  return { url, username, password };
}

async function warnOfReaders({ origin, fields }: KnownContext, resolving: Resolving): Promise<void> {
  if (!holdsSecret(fields) || !(await readableByOthers(origin.file))) return;
  resolving.warn(`${origin.file} holds a password that others can read: chmod 600 ${origin.file}`);
}

function noContext(known: KnownContexts): UsageError {
  const names = [...known.byName.keys()];
  return new UsageError('no context is chosen', {
    hint:
      names.length > 0
        ? `say -c NAME, or choose one with: mqctl context use NAME (there are ${names.slice(0, 5).join(', ')}${names.length > 5 ? ', …' : ''})`
        : 'say -c kafka://localhost:9092 or the like, keep one with: mqctl context add NAME URL, or try: mqctl demo',
  });
}

function unknownContext(name: string, known: KnownContexts): NotFoundError {
  const meant = nearest(name, [...known.byName.keys()]);
  return new NotFoundError('context', name, known.ownFile, {
    hint: meant === null ? 'mqctl context ls shows those there are' : `did you mean "${meant}"?`,
  });
}
