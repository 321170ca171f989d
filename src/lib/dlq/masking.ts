/**
 * Makes an exception's message the same for all messages that failed alike: what differs from one to the next becomes a
 * mark. Every pattern is linear: messages are untrusted.
 */
const longestMessage = 2_000;

const masks: readonly (readonly [RegExp, string])[] = [
  [/\b[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}\b/gi, '<uuid>'],
  [/\d{4}-\d\d-\d\d(?:[T ]\d\d:\d\d(?::\d\d(?:[.,]\d{1,9})?)?(?:Z|[+-]\d\d:?\d\d)?)?/g, '<time>'],
  [/\b\d\d:\d\d:\d\d(?:[.,]\d{1,9})?\b/g, '<time>'],
  [/"[^"\n]{0,500}"/g, '<value>'],
  [/(?<![\p{L}\p{N}])'[^'\n]{0,500}'(?![\p{L}\p{N}])/gu, '<value>'],
  [/`[^`\n]{0,500}`/g, '<value>'],
  [/\b[\w.+-]{1,100}@[\w-]{1,100}(?:\.[\w-]{1,100}){0,10}/g, '<value>'],
  [/\b[a-z][a-z0-9+.-]{1,20}:\/\/[^\s,;)\]}]{1,500}/gi, '<address>'],
  [/\b\d{1,3}(?:\.\d{1,3}){3}(?::\d{1,5})?\b/g, '<host>'],
  [/\b[a-z0-9][\w.-]{0,100}:\d{2,5}\b/gi, '<host>'],
  [
    /\b[a-z0-9][\w-]{0,62}(?:\.[\w-]{1,62}){0,10}\.(?:com|net|org|io|dev|local|internal|lan|svc|cluster|example|test)\b/gi,
    '<host>',
  ],
  [/\b0x[0-9a-f]{1,64}\b/gi, '<number>'],
  // 5.3e-7: the exponent's letter makes it no identifier.
  [/(?<![\p{L}\p{N}_.])-?\d{1,40}(?:\.\d{1,40})?e[+-]\d{1,3}(?![\p{L}\p{N}_])/giu, '<number>'],
  // Identifiers that mix letters and digits: orders, transactions, hashes, hosts.
  [
    /(?<![\p{L}\p{N}_])(?=[\p{L}\p{N}_-]{0,60}\d)(?=[\p{N}_-]{0,60}\p{L})[\p{L}\p{N}_-]{1,200}(?![\p{L}\p{N}_])/gu,
    '<id>',
  ],
  [/-?\d+(?:[.,]\d+)*/g, '<number>'],
];

/** One line, in which ids, numbers, times, hosts and quoted values are marks. */
export function maskMessage(message: string): string {
  let text = message.slice(0, longestMessage);
  for (const [pattern, mark] of masks) text = text.replace(pattern, mark);
  return text.replace(/\s+/g, ' ').trim();
}
