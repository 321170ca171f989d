import type { Message } from '../message/message.ts';

/** How a person names a message: the system's id, else partition and offset, else its content. */
export function messageName(
  { id, partition, offset }: Pick<Message, 'id' | 'partition' | 'offset'>,
  contentHash: string,
): string {
  if (id !== null) return id;
  if (offset !== null) return partition === null ? offset : `${partition}:${offset}`;
  return contentHash.slice(0, 16);
}

/** What an edited message was made of: the channel of dead letters, and its name there. */
export function originalName(message: Message, contentHash: string): string {
  return `${message.channel} ${messageName(message, contentHash)}`;
}
