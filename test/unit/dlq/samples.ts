import type { Header, Message } from '../../../src/lib/message/message.ts';
import { emptyMessage } from '../message/message-samples.ts';

export const text = (name: string, value: string): Header => ({ name, value: Buffer.from(value) });

export function int32(name: string, value: number): Header {
  const bytes = Buffer.alloc(4);
  bytes.writeInt32BE(value);
  return { name, value: bytes };
}

export function int64(name: string, value: bigint): Header {
  const bytes = Buffer.alloc(8);
  bytes.writeBigInt64BE(value);
  return { name, value: bytes };
}

export function dead(headers: readonly Header[], change: Partial<Message> = {}): Message {
  return { ...emptyMessage, channel: 'orders.dlq', headers, ...change };
}
