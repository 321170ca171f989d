/**
 * Message attributes are the headers of SQS and SNS. A `String` is a header of text; every other data type (`Number`, `Binary`, and those
 * with a label of their own, such as `Number.int`) stays a typed value under AWS's own name, so that it goes back as it came.
 */
import type { MessageAttributeValue } from '@aws-sdk/client-sqs';
import { isUtf8 } from 'node:buffer';
import type { Header, HeaderValue } from '../../message/message.ts';
import { textFault } from './message-text.ts';

export const mostAttributes = 10;

const dataType = /^(String|Number|Binary)(\..+)?$/s;
/** Types of other systems that are numbers. */
const numbers = /^(u?int\d+|float|double|decimal|timestamp)$/;

export type Encoded =
  | {
      readonly attributes: Readonly<Record<string, MessageAttributeValue>>;
      /** Names, types and values, as they count towards the size of a message. */
      readonly bytes: number;
    }
  | { readonly fault: string };

/** Headers as attributes of a message, ten at most and one of a name; a fault says why it cannot be sent with them. */
export function encodeAttributes(headers: readonly Header[], system: string): Encoded {
  if (headers.length > mostAttributes)
    return {
      fault: `it has ${String(headers.length)} headers, and ${system} takes ${String(mostAttributes)}`,
    };
  const attributes = new Map<string, MessageAttributeValue>();
  let bytes = 0;
  for (const { name, value, rawName } of headers) {
    const fault = rawName === undefined ? nameFault(name, system) : 'its name is not text';
    if (fault !== null) return { fault: `header ${JSON.stringify(name)}: ${fault}` };
    if (attributes.has(name))
      return { fault: `header "${name}" is there twice, and ${system} keeps one of a name` };
    const attribute = encodeValue(value, system);
    if (typeof attribute === 'string') return { fault: `header "${name}": ${attribute}` };
    attributes.set(name, attribute);
    const content = attribute.BinaryValue?.length ?? Buffer.byteLength(attribute.StringValue ?? '');
    bytes += Buffer.byteLength(name) + Buffer.byteLength(attribute.DataType ?? '') + content;
  }
  return { attributes: Object.fromEntries(attributes), bytes };
}

/** A plain `String` is its bytes in UTF-8; every other type, `Number` and `Binary` too, keeps its name beside the value. */
export function decodeAttributes(
  attributes: Readonly<Record<string, MessageAttributeValue | undefined>> | undefined,
): Header[] {
  return Object.entries(attributes ?? {}).map(([name, attribute]) => ({
    name,
    value: decodeValue(attribute),
  }));
}

/** AWS's client loses what the attribute `__proto__` holds: without a value it can be seen, and is refused when it is to be sent on. */
function decodeValue(attribute: MessageAttributeValue | undefined): HeaderValue {
  if (attribute === undefined) return null;
  const { DataType = 'String', StringValue, BinaryValue } = attribute;
  if (DataType === 'String' && StringValue !== undefined) return Buffer.from(StringValue, 'utf8');
  return { type: DataType, value: BinaryValue ?? StringValue ?? null };
}

/** The attribute, or why there is none. */
function encodeValue(value: HeaderValue, system: string): MessageAttributeValue | string {
  if (value === null) return `${system} has no null values`;
  if (value instanceof Uint8Array)
    return isUtf8(value)
      ? textual('String', Buffer.from(value).toString('utf8'), system)
      : binary('Binary', value, system);
  const { type, value: inner } = value;
  if (dataType.test(type)) {
    if (inner instanceof Uint8Array) return binary(type, inner, system);
    return typeof inner === 'string' ? textual(type, inner, system) : `a ${type} has a text or bytes`;
  }
  if (inner instanceof Uint8Array && type === 'bytes') return binary('Binary', inner, system);
  if (typeof inner === 'string' && numbers.test(type)) return textual('Number', inner, system);
  if (typeof inner === 'string' && type === 'boolean') return textual('String', inner, system);
  return `${system} has no values of type "${type}"`;
}

function textual(type: string, text: string, system: string): MessageAttributeValue | string {
  const fault = textFault(text, system);
  return fault === null ? { DataType: type, StringValue: text } : `its value ${fault}`;
}

function binary(type: string, bytes: Uint8Array, system: string): MessageAttributeValue | string {
  return bytes.length === 0
    ? `its value is empty, which ${system} does not take`
    : { DataType: type, BinaryValue: bytes };
}

/** Amazon SQS Developer Guide, "Message attributes": what a name may be. */
function nameFault(name: string, system: string): string | null {
  if (!/^[A-Za-z0-9_.-]{1,256}$/.test(name))
    return `${system} takes names of up to 256 letters, digits, "_", "-" and "."`;
  if (name === '__proto__') return `AWS's client gives back what is under this name without its value`;
  if (/^\.|\.$|\.\./.test(name))
    return `${system} takes no name that begins or ends with a dot, or has two in a row`;
  return /^(aws|amazon)\./i.test(name)
    ? `${system} keeps names that begin with "AWS." or "Amazon." for itself`
    : null;
}
