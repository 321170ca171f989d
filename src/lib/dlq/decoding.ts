import { jsonOf } from '../message/json.ts';
import type { Message } from '../message/message.ts';
import type { JsonValue } from '../message/record.ts';

/** A payload as data; undefined where it is none. The bytes stay what they are. */
export type Decode = (message: Message) => JsonValue | undefined;

export const decodings = ['json'] as const;
export type Decoding = (typeof decodings)[number];

const decoders: Readonly<Record<Decoding, Decode>> = {
  json: ({ value }) => (value === null ? undefined : jsonOf(value)),
};

/** What reads values as this decoding says. */
export function decoderOf(decoding: Decoding): Decode {
  return decoders[decoding];
}
