/** The two notations of `key=value` files for Kafka clients. */

/**
 * Java's `.properties` (java.util.Properties.load): `=`, `:` or blanks separate, `#` and `!` begin comments, a backslash at
 * the end continues the line, `\n`, `\t`, `\uXXXX` and escaped separators are understood.
 */
export function readJavaProperties(text: string): ReadonlyMap<string, string> {
  const entries = new Map<string, string>();
  const lines = text.split(/\r\n|[\r\n]/);
  for (let at = 0; at < lines.length; at++) {
    let line = (lines[at] ?? '').trimStart();
    if (line === '' || line.startsWith('#') || line.startsWith('!')) continue;
    while (endsOpen(line) && at + 1 < lines.length) {
      at += 1;
      line = line.slice(0, -1) + (lines[at] ?? '').trimStart();
    }
    const parts = /^((?:\\.|[^\\=:\s])+)\s*[=:]?\s*(.*)$/s.exec(line);
    if (parts !== null) entries.set(unescape(parts[1] ?? ''), unescape(parts[2] ?? ''));
  }
  return entries;
}

/** librdkafka's configuration files as kcat reads them: `key=value`, `#` begins a comment, a backslash is a backslash. */
export function readKcatConf(text: string): ReadonlyMap<string, string> {
  const entries = new Map<string, string>();
  for (const line of text.split(/\r?\n/)) {
    const equals = line.indexOf('=');
    const key = line.slice(0, Math.max(0, equals)).trim();
    if (key !== '' && !key.startsWith('#')) entries.set(key, line.slice(equals + 1).trim());
  }
  return entries;
}

/** An odd number of backslashes at the end. */
function endsOpen(line: string): boolean {
  let backslashes = 0;
  while (line.at(-1 - backslashes) === '\\') backslashes += 1;
  return backslashes % 2 === 1;
}

function unescape(text: string): string {
  const controls: Readonly<Record<string, string>> = { n: '\n', t: '\t', r: '\r', f: '\f' };
  return text.replace(/\\(?:u([0-9a-fA-F]{4})|(.))/gs, (_, code: string | undefined, character: string) =>
    code === undefined ? (controls[character] ?? character) : String.fromCharCode(parseInt(code, 16)),
  );
}
