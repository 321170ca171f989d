import { UsageError } from '../errors.ts';

/** `NAME=VALUE` words to a record; the value may hold further `=`. Throws `UsageError`, also for a name given twice. */
export function parseSettings(words: readonly string[]): Readonly<Record<string, string>> {
  const settings = new Map<string, string>();
  for (const word of words) {
    const at = word.indexOf('=');
    if (at < 1) throw new UsageError(`"${word}" is not NAME=VALUE`);
    const name = word.slice(0, at);
    if (settings.has(name)) throw new UsageError(`the setting "${name}" is given twice`);
    settings.set(name, word.slice(at + 1));
  }
  return Object.fromEntries(settings);
}
