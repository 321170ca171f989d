/** `--envelope`: wraps a value into JSON that says what it is. */
import { isUtf8 } from 'node:buffer';

import type { OutgoingMessage } from '../message/message.ts';
import type { TemplateWorld } from './template.ts';

/**
 * `{"messageId","correlationId","type","time","version":"1","data"}`. `data` is the value: its JSON where it is JSON,
 * digit for digit; else a string, or `{"base64"}` where it is no text. `type` and `correlationId` are the properties of
 * these names; without one the message is the first of its own conversation. A tombstone stays one.
 */
export function wrap(message: OutgoingMessage, world: TemplateWorld): OutgoingMessage {
  if (message.value === null) return message;
  const { type, correlationId } = message.properties;
  const messageId = world.uuid();
  const head = JSON.stringify({
    messageId,
    correlationId: typeof correlationId === 'string' ? correlationId : messageId,
    type: typeof type === 'string' ? type : null,
    time: new Date(world.now()).toISOString(),
    version: '1',
  });
  return { ...message, value: Buffer.from(`${head.slice(0, -1)},"data":${dataOf(message.value)}}`) };
}

function dataOf(value: Uint8Array): string {
  const bytes = Buffer.from(value.buffer, value.byteOffset, value.byteLength);
  if (!isUtf8(bytes)) return JSON.stringify({ base64: bytes.toString('base64') });
  const text = bytes.toString('utf8');
  try {
    JSON.parse(text);
    return text;
  } catch {
    return JSON.stringify(text);
  }
}
