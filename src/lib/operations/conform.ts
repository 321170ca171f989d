/** Messages that have to be what a schema says before they are sent: checked only, or encoded and framed as well. */
import { errorText } from '../errors.ts';
import { parseExactJson } from '../message/exact-json.ts';
import type { OutgoingMessage } from '../message/message.ts';
import type { NumberedMessage } from '../message/numbered-message.ts';
import type { Schema } from '../schema/engine.ts';
import { travelOf } from '../schema/engines.ts';
import { framingsOf, type FramingKind, type PayloadPart, type SchemaKey } from '../schema/framing/framing.ts';
import { frame, frameHeaders } from '../schema/framing/write-frame.ts';
import { violationsOf } from '../schema/violations.ts';

export interface PartSchema {
  readonly part: PayloadPart;
  readonly schema: Schema;
  /** null: the payload is checked and sent as it is. */
  readonly framing: { readonly kind: FramingKind; readonly key: SchemaKey } | null;
}

export interface InvalidLine {
  readonly line: number;
  readonly reason: string;
}

type Conformed = { readonly message: OutgoingMessage } | { readonly reason: string };

/**
 * The message as it is to be sent, or why it cannot be, by the first violation. A part that is null always conforms. Of a
 * Protobuf file its first message is written.
 */
export function conform(message: OutgoingMessage, schemas: readonly PartSchema[]): Conformed {
  let conformed = message;
  for (const { part, schema, framing } of schemas) {
    const bytes = conformed[part];
    if (bytes === null) continue; // a tombstone, or no key
    const { payloadIsJson, indexed } = travelOf(schema.format);
    if (framing === null || payloadIsJson) {
      const [violation] = violationsOf(schema, { bytes, headers: message.headers, part }, 1);
      if (violation !== undefined) {
        const at = violation.dataPointer === '' ? '' : ` at ${violation.dataPointer}`;
        return { reason: `${part}${at}: ${violation.message}` };
      }
    }
    if (framing === null) continue;
    // The check takes JSON in a frame, too; no JSON begins as a frame does.
    if (payloadIsJson && framingsOf(bytes, [], part).length > 0)
      return { reason: `${part}: it is framed already; what is to be framed has to be JSON alone` };
    try {
      // What is JSON is sent as it was given, to the last digit.
      const payload = payloadIsJson ? bytes : schema.encode(parseExactJson(bytes));
      const messageIndexes = indexed ? [0] : null;
      const framed = frame(payload, { ...framing, part, messageIndexes });
      // One of another frame would be believed before the bytes are.
      const others = conformed.headers.filter(({ name }) => !frameHeaders[part].includes(name));
      const headers = [...others, ...framed.headers];
      conformed = { ...conformed, [part]: framed.bytes, headers };
    } catch (error) {
      return { reason: `${part}: ${errorText(error)}` };
    }
  }
  return { message: conformed };
}

/** Those that conform, as they are to be sent; `onInvalid` hears of every other one. */
export async function* conforming(
  chunks: AsyncIterable<readonly NumberedMessage[]>,
  schemas: readonly PartSchema[],
  onInvalid: (invalid: InvalidLine) => void,
): AsyncGenerator<readonly NumberedMessage[]> {
  for await (const chunk of chunks) {
    const kept: NumberedMessage[] = [];
    for (const { line, message } of chunk) {
      const conformed = conform(message, schemas);
      if ('reason' in conformed) onInvalid({ line, reason: conformed.reason });
      else kept.push({ line, message: conformed.message });
    }
    if (kept.length > 0) yield kept;
  }
}
