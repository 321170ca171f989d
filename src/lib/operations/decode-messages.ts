import { MqctlError } from '../errors.ts';
import type { DecodedBy, DecodedParts, Message } from '../message/message.ts';
import { parseExactJson } from '../message/exact-json.ts';
import { PayloadDecoder, type DecodedPayload, type DecodeOutcome } from '../schema/decoder.ts';
import { openRegistry } from '../schema/registry/open-registry.ts';
import type { RegistryPlace } from '../schema/registry/settings.ts';
import type { PayloadPart } from '../schema/framing/framing.ts';

/** The same messages, in the same order, with what was made of each in `decoded`. */
export type DecodeMessages = (messages: readonly Message[]) => Promise<readonly Message[]>;

/** `messageDecoder` by a registry. Throws `UsageError` for an address that is none. */
export function openMessageDecoder(
  { settings, options }: RegistryPlace,
  onStopped: (reason: string) => void,
  signal: AbortSignal,
): DecodeMessages {
  return messageDecoder(new PayloadDecoder(openRegistry(settings, options)), onStopped, signal);
}

/** The JSON of each value that is JSON. */
export const jsonDecoder: DecodeMessages = async (messages) =>
  messages.map((message) => {
    if (message.value === null) return message;
    try {
      return { ...message, decoded: { value: parseExactJson(message.value), by: null } };
    } catch {
      return message; // it is no JSON
    }
  });

/**
 * Adds what the registry's schemas make of each message. What cannot be decoded stays as it is; a registry that does not
 * answer ends the decoding, not the reading: `onStopped` hears of it once.
 */
function messageDecoder(
  decoder: PayloadDecoder,
  onStopped: (reason: string) => void,
  signal: AbortSignal,
): DecodeMessages {
  let stopped = false;
  const partOf = async (message: Message, part: PayloadPart): Promise<DecodedPayload | null> => {
    const bytes = part === 'key' ? message.key : message.value;
    if (bytes === null || stopped) return null;
    const input = { bytes, headers: message.headers, part };
    try {
      const known = decoder.decodeKnown(input);
      const outcome: DecodeOutcome = 'missing' in known ? await decoder.decode(input, signal) : known;
      return outcome.kind === 'decoded' ? outcome : null;
    } catch (error) {
      signal.throwIfAborted();
      if (!(error instanceof MqctlError)) throw error;
      stopped = true;
      onStopped(error.message);
      return null;
    }
  };
  return async (messages) => {
    const decoded: Message[] = [];
    for (const message of messages) {
      const [value, key] = [await partOf(message, 'value'), await partOf(message, 'key')];
      decoded.push(value === null && key === null ? message : { ...message, decoded: parts(value, key) });
    }
    return decoded;
  };
}

function parts(value: DecodedPayload | null, key: DecodedPayload | null): DecodedParts {
  return {
    ...(value === null ? {} : { value: value.value }),
    ...(key === null ? {} : { key: key.value }),
    by: by(value ?? key),
  };
}

function by(payload: DecodedPayload | null): DecodedBy | null {
  if (payload === null) return null;
  const { key, schema, format, framing, type } = payload;
  return { id: key.value, name: type ?? schema, format, framing };
}
