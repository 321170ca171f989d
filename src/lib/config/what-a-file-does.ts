/** What contexts would run, read and ask once trusted: shown to the person who is asked to trust them. */
import type { ContextFields } from './context.ts';
import { parseTemplate } from './placeholder.ts';

const verbs = {
  env: 'reads the environment variable',
  file: 'reads the file',
  cmd: 'runs',
  ask: 'asks for',
} as const;

/** `prod, password: runs pass show x`, a line each. Throws `UsageError` for a placeholder that is none. */
export function does(contexts: ReadonlyMap<string, ContextFields>): string[] {
  const lines: string[] = [];
  for (const [name, fields] of contexts) {
    for (const [field, text] of textsOf(fields, '')) {
      for (const part of parseTemplate(text, `context "${name}", ${field}`))
        if (typeof part !== 'string')
          lines.push(`${name}, ${field}: ${verbs[part.kind]} ${part.argument || 'a secret'}`);
      if (/^(?:registry\.)?tls\.(?:ca|certificate|key)$/.test(field) && !/\$\{|-----BEGIN /.test(text))
        lines.push(`${name}, ${field}: ${verbs.file} ${text}`);
    }
  }
  return lines;
}

function textsOf(value: object, before: string): (readonly [field: string, text: string])[] {
  return Object.entries(value).flatMap(([name, inner]: [string, unknown]) => {
    if (typeof inner === 'string') return [[before + name, inner] as const];
    return typeof inner === 'object' && inner !== null ? textsOf(inner, `${before}${name}.`) : [];
  });
}
