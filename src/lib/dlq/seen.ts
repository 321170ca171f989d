/** What can be seen of a message that does not say why it died. */
import { isUtf8 } from 'node:buffer';

import { jsonOf } from '../message/json.ts';
import type { Message } from '../message/message.ts';
import { headerText } from '../message/text.ts';
import { textOf } from './header-values.ts';

/** Larger values are not parsed to see whether they are JSON. */
const longestParsed = 1024 * 1024;
/** Confluent's framing: a zero byte, then the schema's id in four. */
const framingBytes = 5;

const sizes: readonly (readonly [number, string])[] = [
  [1024, '1 KiB'],
  [10 * 1024, '10 KiB'],
  [100 * 1024, '100 KiB'],
  [1024 * 1024, '1 MiB'],
  [10 * 1024 * 1024, '10 MiB'],
];

/** Headers in which frameworks and CloudEvents say what kind of message it is. The first that is there counts. */
const typeHeaders = [
  'ce_type',
  'ce-type',
  'cloudEvents:type',
  'cloudEvents_type',
  '__TypeId__',
  'NServiceBus.EnclosedMessageTypes',
  'MT-MessageType',
  'message-type',
  'messageType',
  'event-type',
  'eventType',
  'type',
];

/** `broken JSON, up to 1 KiB, type order.created`: the same for messages that look alike. */
export function seenIn(message: Message): string {
  const parts = [formOf(message.value)];
  if (message.value !== null && message.value.length > 0) parts.push(sizeOf(message.value));
  const type = typeOf(message);
  if (type !== null) parts.push(`type ${type}`);
  if (message.key !== null) parts.push('with a key');
  return parts.join(', ');
}

/** What kind of message it says that it is: a property or header of its own. */
export function typeOf({ properties, headers }: Message): string | null {
  const property = headerText(properties['type'] ?? null);
  if (property !== '') return property;
  for (const name of typeHeaders) {
    const text = textOf(headers.find((header) => header.name === name)?.value ?? null);
    if (text !== null && text !== '') return text.slice(0, 200);
  }
  return null;
}

function formOf(value: Uint8Array | null): string {
  if (value === null) return 'a tombstone';
  if (value.length === 0) return 'empty';
  if (value[0] === 0 && value.length >= framingBytes)
    return `framed with schema ${new DataView(value.buffer, value.byteOffset, value.length).getInt32(1).toString()}`;
  if (!isUtf8(value)) return 'binary';
  const first = Buffer.from(value.subarray(0, 64)).toString('latin1').trimStart()[0];
  if (first !== '{' && first !== '[') return 'text';
  if (value.length > longestParsed) return 'like JSON';
  return jsonOf(value) === undefined ? 'broken JSON' : 'JSON';
}

function sizeOf(value: Uint8Array): string {
  const size = sizes.find(([most]) => value.length <= most);
  return size === undefined ? 'over 10 MiB' : `up to ${size[1]}`;
}
