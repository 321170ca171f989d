/** Takes a system's URL apart: user and password out of it, the rest as the driver gets it. */
import { UsageError } from '../errors.ts';
import { placeholderSpans } from './placeholder.ts';

export interface Address {
  /** In lower case, without the colon. */
  readonly scheme: string;
  /** Without user and password. */
  readonly url: string;
  readonly username: string | null;
  readonly password: string | null;
}

/** Whether this is a URL and not the name of a context: names have no colon. */
export function isUrl(text: string): boolean {
  return /^[a-z][a-z0-9+.-]*:/i.test(text);
}

/**
 * `amqp://me:p%40ss@host:5672/vhost` → `amqp://host:5672/vhost`, `me`, `p@ss` (RFC 3986, section 3.2.1: what is
 * special is percent-encoded). Several hosts are separated by commas; `local:PATH` has neither host nor user.
 * Placeholders of a context file stay whole. Throws `UsageError` that does not repeat the text: it may hold a password.
 */
export function splitAddress(text: string): Address {
  const hidden = hidePlaceholders(text);
  const parts = /^([a-z][a-z0-9+.-]*):(?:\/\/([^/?#]*))?/i.exec(hidden.text);
  const scheme = parts?.[1]?.toLowerCase();
  if (parts === null || scheme === undefined)
    throw new UsageError('the address has no scheme', { hint: 'write it as kafka://host:9092' });
  const authority = parts[2];
  const rest = hidden.text.slice(parts[0].length);
  if (authority === undefined)
    return { scheme, url: hidden.restore(`${scheme}:${rest}`), username: null, password: null };

  const at = authority.lastIndexOf('@');
  const hosts = authority.slice(at + 1);
  checkHosts(hosts);
  const login = at === -1 ? null : authority.slice(0, at);
  const colon = login?.indexOf(':') ?? -1;
  const username = login === null ? null : colon === -1 ? login : login.slice(0, colon);
  const password = login === null || colon === -1 ? null : login.slice(colon + 1);
  return {
    scheme,
    url: hidden.restore(`${scheme}://${hosts}${rest}`),
    username: username === null || username === '' ? null : hidden.restore(decode(username)),
    password: password === null ? null : hidden.restore(decode(password)),
  };
}

/** A slash or at sign in a password that was not encoded shows as a port that is none. */
function checkHosts(hosts: string): void {
  for (const host of hosts.split(',')) {
    const port = /^(?:\[[^\]]*\]|[^:]*)(?::(.*))?$/.exec(host);
    if (port !== null && (port[1] === undefined || /^[\d\0]*$/.test(port[1]))) continue;
    throw new UsageError('the address has a port that is no number', {
      hint: 'in a user or password, write @ : / ? # % as %40 %3A %2F %3F %23 %25',
    });
  }
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text);
  } catch {
    throw new UsageError('the user or password of the address has a % that begins no code', {
      hint: 'write % as %25',
    });
  }
}

/** Puts NUL-framed numbers in the place of `${…}`, whose text may hold slashes and colons of its own. */
function hidePlaceholders(text: string): {
  readonly text: string;
  readonly restore: (part: string) => string;
} {
  if (text.includes('\0')) throw new UsageError('the address holds a NUL character');
  const placeholders: string[] = [];
  let hidden = '';
  let after = 0;
  for (const [start, end] of placeholderSpans(text)) {
    hidden += `${text.slice(after, start)}\0${placeholders.length}\0`;
    placeholders.push(text.slice(start, end));
    after = end;
  }
  return {
    text: hidden + text.slice(after),
    restore: (part) => part.replace(/\0(\d+)\0/g, (_, index: string) => placeholders[Number(index)] ?? ''),
  };
}
