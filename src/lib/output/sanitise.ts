/**
 * Whatever comes from a broker or a file is untrusted: a terminal must show its control characters, not obey them.
 * C0 and C1 controls, DEL, and the marks that reorder or hide text (bidirectional controls, zero-width joiners are kept
 * since emoji need them, line and paragraph separators).
 */
const unsafe = /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]/gu;
const unsafeInLines =
  /[\u0000-\u0008\u000b-\u001f\u007f-\u009f\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]/gu;
const unsafeInJson = /[\u007f-\u009f\u200e\u200f\u2028\u2029\u202a-\u202e\u2066-\u2069\ufeff]/gu;

const named: Readonly<Record<string, string>> = { '\n': '\\n', '\r': '\\r', '\t': '\\t' };

function escapeCharacter(character: string): string {
  const code = character.charCodeAt(0);
  return named[character] ?? (code < 0x100 ? `\\x${hex(code, 2)}` : `\\u${hex(code, 4)}`);
}

function hex(code: number, width: number): string {
  return code.toString(16).padStart(width, '0');
}

/** One line, whatever was in it. */
export function visible(text: string): string {
  return text.replace(unsafe, escapeCharacter);
}

/** Line ends and tabs stay, everything else is made visible. */
export function visibleLines(text: string): string {
  return text.replace(unsafeInLines, escapeCharacter);
}

/** JSON text that is shown on a terminal: still the same JSON, since these characters only occur in its strings. */
export function visibleJson(json: string): string {
  return json.replace(unsafeInJson, (character) => `\\u${hex(character.charCodeAt(0), 4)}`);
}
