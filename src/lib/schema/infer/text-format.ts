/** Texts of a form that both kinds of schemas have a word for. */

const patterns = {
  'date-time':
    /^\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])T(?:[01]\d|2[0-3]):[0-5]\d:[0-5]\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)$/i,
  date: /^\d{4}-(?:0[1-9]|1[0-2])-(?:0[1-9]|[12]\d|3[01])$/,
  uuid: /^[0-9a-f]{8}-(?:[0-9a-f]{4}-){3}[0-9a-f]{12}$/i,
} as const;

/** The names of JSON Schema's `format`. */
export type TextFormat = keyof typeof patterns;
export const textFormats: readonly TextFormat[] = ['date-time', 'date', 'uuid'];

/** Those of `candidates` that this text has. */
export function formatsOf(text: string, candidates: ReadonlySet<TextFormat>): ReadonlySet<TextFormat> {
  return new Set([...candidates].filter((format) => text.length <= 40 && patterns[format].test(text)));
}
