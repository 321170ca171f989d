/** CloudEvents: in binary mode (`ce_*` headers) the value is the data; in structured mode the data lies in a JSON envelope. */
import { isUtf8 } from 'node:buffer';
import type { Header } from '../../message/message.ts';

export interface Unwrapped {
  /** The envelope's mode; null: it is no event. */
  readonly mode: 'binary' | 'structured' | null;
  readonly data: Uint8Array;
}

/** Structured events without data, and what only claims to be one, stay what they are. */
export function unwrapCloudEvent(value: Uint8Array, headers: readonly Header[]): Unwrapped {
  if (headers.length === 0) return { mode: null, data: value };
  const named = (name: string): string | null => {
    const header = headers.find((candidate) => candidate.name.toLowerCase() === name);
    return header?.value instanceof Uint8Array ? Buffer.from(header.value).toString('utf8') : null;
  };
  if (named('ce_specversion') !== null || named('cloudevents:specversion') !== null)
    return { mode: 'binary', data: value };
  if (named('content-type')?.startsWith('application/cloudevents+json') !== true || !isUtf8(value))
    return { mode: null, data: value };
  const data = dataOf(Buffer.from(value).toString('utf8'));
  return data === null ? { mode: null, data: value } : { mode: 'structured', data };
}

function dataOf(text: string): Uint8Array | null {
  try {
    const event: unknown = JSON.parse(text);
    if (typeof event !== 'object' || event === null) return null;
    if ('data_base64' in event && typeof event.data_base64 === 'string')
      return Buffer.from(event.data_base64, 'base64');
    // Throws where it nests deeper than the stack.
    return 'data' in event ? Buffer.from(JSON.stringify(event.data)) : null;
  } catch {
    return null;
  }
}
