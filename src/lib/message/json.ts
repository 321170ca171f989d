import { isUtf8 } from 'node:buffer';

import { maxNesting, type JsonValue } from './record.ts';

/**
 * The JSON that these bytes are. undefined where they are none, or nest deeper than `maxNesting`: they come from a broker,
 * and whoever walks them afterwards must not run out of stack.
 */
export function jsonOf(bytes: Uint8Array): JsonValue | undefined {
  if (!isUtf8(bytes)) return undefined;
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('utf8');
  if (nestsTooDeep(text)) return undefined;
  try {
    const parsed: unknown = JSON.parse(text);
    return isJson(parsed) ? parsed : undefined;
  } catch {
    return undefined;
  }
}

/** What `JSON.parse` gives back is JSON. */
function isJson(parsed: unknown): parsed is JsonValue {
  return parsed !== undefined;
}

const quote = 0x22;
const backslash = 0x5c;

/** Deeper than `maxNesting`, as far as it is JSON. */
export function nestsTooDeep(text: string): boolean {
  let depth = 0;
  let inString = false;
  for (let at = 0; at < text.length; at += 1) {
    const code = text.charCodeAt(at);
    if (inString) {
      if (code === backslash) at += 1;
      else if (code === quote) inString = false;
    } else if (code === quote) inString = true;
    else if (code === 0x7b || code === 0x5b) {
      depth += 1;
      if (depth > maxNesting) return true;
    } else if (code === 0x7d || code === 0x5d) depth -= 1;
  }
  return false;
}
