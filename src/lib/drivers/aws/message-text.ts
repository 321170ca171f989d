/** What may stand in a body or in the value of an attribute: SQS and SNS carry text, and not all of Unicode. */
import { isUtf8 } from 'node:buffer';

/** Amazon SQS API Reference, `SendMessage`: the characters of XML 1.0. */
const allowed = /^[\t\n\r\u0020-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]*$/u;

/** What is wrong with a text, as the end of a sentence; null: nothing. */
export function textFault(text: string, system: string): string | null {
  if (text === '') return `is empty, which ${system} does not take`;
  return allowed.test(text)
    ? null
    : `has characters that ${system} does not take (control characters, U+FFFE, U+FFFF)`;
}

export type Body = { readonly text: string } | { readonly fault: string };

/** The value as text; a fault where it is null, empty, not UTF-8, or has characters that XML 1.0 has not got. */
export function bodyOf(value: Uint8Array | null, system: string): Body {
  if (value === null) return { fault: `it has no value, and ${system} has no null values` };
  if (!isUtf8(value))
    return {
      fault: `its value is binary, and ${system} carries text alone: write it as text, such as base64, before it is produced`,
    };
  const text = Buffer.from(value.buffer, value.byteOffset, value.byteLength).toString('utf8');
  const fault = textFault(text, system);
  return fault === null ? { text } : { fault: `its value ${fault}` };
}
