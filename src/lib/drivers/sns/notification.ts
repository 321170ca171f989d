/**
 * The envelope in which SNS delivers to a queue unless the subscription asks for the raw message: JSON with the message as text.
 * It is taken off to be read, and put on again for a queue, whose reader expects it: byte for byte where nothing was edited.
 */
import { isUtf8 } from 'node:buffer';
import type { Header, Message, OutgoingMessage } from '../../message/message.ts';

/** The property that holds the whole envelope. */
const envelopeProperty = 'envelope';

interface Attribute {
  readonly Type: string;
  readonly Value: string;
}

interface Notification {
  readonly fields: Readonly<Record<string, unknown>>;
  readonly message: string;
  readonly topicArn: string;
  readonly subject: string | null;
  readonly headers: readonly Header[];
}

/** null for anything else. */
function parseNotification(text: string): Notification | null {
  if (!text.startsWith('{')) return null;
  let parsed: unknown;
  try {
    parsed = JSON.parse(text);
  } catch {
    return null;
  }
  if (!isRecord(parsed)) return null;
  const { Type, TopicArn, MessageId, Message: message, Subject, MessageAttributes = {} } = parsed;
  if (Type !== 'Notification' || typeof TopicArn !== 'string' || typeof MessageId !== 'string') return null;
  if (typeof message !== 'string' || !isRecord(MessageAttributes)) return null;
  const headers: Header[] = [];
  for (const [name, attribute] of Object.entries(MessageAttributes)) {
    if (!isRecord(attribute)) return null;
    const { Type: type, Value: value } = attribute;
    if (typeof type !== 'string' || typeof value !== 'string') return null;
    headers.push(headerOf(name, { Type: type, Value: value }));
  }
  const subject = typeof Subject === 'string' ? Subject : null;
  return { fields: parsed, message, topicArn: TopicArn, subject, headers };
}

function headerOf(name: string, { Type, Value }: Attribute): Header {
  if (Type === 'String') return { name, value: Buffer.from(Value, 'utf8') };
  const isBinary = /^Binary(\.|$)/.test(Type);
  return { name, value: { type: Type, value: isBinary ? Buffer.from(Value, 'base64') : Value } };
}

function attributeOf({ value }: Header): Attribute | null {
  if (value === null) return null;
  if (value instanceof Uint8Array)
    return isUtf8(value)
      ? { Type: 'String', Value: Buffer.from(value).toString('utf8') }
      : { Type: 'Binary', Value: Buffer.from(value).toString('base64') };
  if (typeof value.value === 'string') return { Type: value.type, Value: value.value };
  return value.value instanceof Uint8Array
    ? { Type: value.type, Value: Buffer.from(value.value).toString('base64') }
    : null;
}

export interface Unwrapped {
  readonly message: Message;
  /** Of which topic it is; null: it had no envelope, so nothing tells. */
  readonly topicArn: string | null;
}

/** Where a header stands inside of the envelope and outside of it, it is left as it is: nothing may get lost. */
export function unwrapped(message: Message): Unwrapped {
  const text = message.value === null ? '' : Buffer.from(message.value).toString('utf8');
  const notification = parseNotification(text);
  if (notification === null) return { message, topicArn: null };
  const { topicArn, subject, headers } = notification;
  const inside = new Set(headers.map(({ name }) => name));
  if (message.headers.some(({ name }) => inside.has(name))) return { message, topicArn };
  return {
    topicArn,
    message: {
      ...message,
      value: Buffer.from(notification.message, 'utf8'),
      headers: [...headers, ...message.headers],
      properties: {
        ...message.properties,
        topicArn,
        ...(subject !== null && { subject }),
        [envelopeProperty]: text,
      },
    },
  };
}

/** As it goes to a queue. The headers that the envelope had stay in it; others stand beside it. */
export function wrapped(message: OutgoingMessage): OutgoingMessage | { readonly fault: string } {
  const { [envelopeProperty]: text, ...properties } = message.properties;
  if (text === undefined || text === null) return message;
  const notification = typeof text === 'string' ? parseNotification(text) : null;
  if (notification === null || typeof text !== 'string')
    return { fault: `property ${envelopeProperty}: it is no notification of SNS` };
  if (message.value === null || !isUtf8(message.value))
    return { fault: 'its value is binary, and a notification of SNS carries text alone' };
  const names = new Set(notification.headers.map(({ name }) => name));
  const inside = message.headers.filter(({ name }) => names.has(name));
  const outside = message.headers.filter(({ name }) => !names.has(name));
  const value = Buffer.from(message.value).toString('utf8');
  const same =
    value === notification.message && attributesText(inside) === attributesText(notification.headers);
  const body = same
    ? text
    : JSON.stringify({
        ...notification.fields,
        Message: value,
        ...(names.size > 0 && { MessageAttributes: attributes(inside) }),
      });
  return { ...message, value: Buffer.from(body, 'utf8'), headers: outside, properties };
}

function attributes(headers: readonly Header[]): Record<string, Attribute> {
  return Object.fromEntries(
    headers.flatMap((header) => {
      const attribute = attributeOf(header);
      return attribute === null ? [] : [[header.name, attribute]];
    }),
  );
}

function attributesText(headers: readonly Header[]): string {
  return JSON.stringify(Object.entries(attributes(headers)));
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
