/** `NAME=VALUE` of the command line as headers, properties and settings. */
import { UsageError } from '../errors.ts';
import type { Header, Properties } from '../message/message.ts';

/** In the order given; a name may come again. Throws `UsageError`. */
export function parseHeaders(texts: readonly string[]): Header[] {
  return texts.map((text) => {
    const [name, value] = split(text, '--header');
    return { name, value: Buffer.from(value) };
  });
}

/** As text: the system that takes it knows its type. Throws `UsageError` for a name that comes again. */
export function parseProperties(texts: readonly string[]): Properties {
  return parseAssignments(texts, '--property');
}

/** What a repeatable flag says, by name; the value may hold further `=`. Throws `UsageError`, also for a name given twice. */
export function parseAssignments(texts: readonly string[], flag: string): Readonly<Record<string, string>> {
  const values = new Map<string, string>();
  for (const text of texts) {
    const [name, value] = split(text, flag);
    if (values.has(name)) throw new UsageError(`${flag} ${name} is given twice`);
    values.set(name, value);
  }
  return Object.fromEntries(values);
}

function split(text: string, flag: string): readonly [name: string, value: string] {
  const equals = text.indexOf('=');
  if (equals < 1)
    throw new UsageError(`${flag} ${JSON.stringify(text)} has no name and value`, {
      hint: `write ${flag} NAME=VALUE`,
    });
  return [text.slice(0, equals), text.slice(equals + 1)];
}
