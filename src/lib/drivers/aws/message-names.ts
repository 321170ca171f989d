/** The group of a message, and the id by which duplicates of it are known: the same for queues and topics. */
import { randomUUID } from 'node:crypto';
import type { Properties, PropertyValue } from '../../message/message.ts';

/** FIFO wants a group, within which order is kept: where none is said, all that one sends is one. */
const defaultGroup = 'mqctl';

export interface MessageNames {
  readonly MessageGroupId?: string;
  readonly MessageDeduplicationId?: string;
}

export type Named = { readonly names: MessageNames } | { readonly fault: string };

/**
 * From the properties `groupId` and `deduplicationId`; a fault where one is not what AWS takes for it. In FIFO a group and an id
 * are always there, the id random where none was said, unless duplicates are known by their content (`byContent`).
 */
export function namesOf(
  properties: Properties,
  {
    fifo,
    byContent,
    system,
  }: { readonly fifo: boolean; readonly byContent: boolean; readonly system: string },
): Named {
  const fault = propertyFault(properties, ['groupId', 'deduplicationId'], system);
  if (fault !== null) return { fault };
  const group = textProperty(properties['groupId']);
  const said = textProperty(properties['deduplicationId']);
  for (const [name, text] of Object.entries({ groupId: group, deduplicationId: said }))
    if (text !== null && !/^[!-~]{1,128}$/.test(text))
      return {
        fault: `property ${name}: ${system} takes up to 128 letters, digits and marks, without blanks`,
      };
  // Of a standard channel a group says who shall not crowd out whom (fair queues); ids of duplicates it does not take.
  if (!fifo) return { names: group === null ? {} : { MessageGroupId: group } };
  const id = said ?? (byContent ? null : randomUUID());
  return {
    names: { MessageGroupId: group ?? defaultGroup, ...(id !== null && { MessageDeduplicationId: id }) },
  };
}

/** Why one of these properties cannot be sent: it is a typed value or a list. null: all are texts, bytes or not there. */
export function propertyFault(
  properties: Properties,
  names: readonly string[],
  system: string,
): string | null {
  for (const name of names) {
    const value = properties[name] ?? null;
    if (value === null || typeof value === 'string' || value instanceof Uint8Array) continue;
    const kind = 'type' in value ? `a value of type "${value.type}"` : 'a list';
    return `property ${name}: ${system} takes a text, not ${kind}`;
  }
  return null;
}

/** A text, or bytes read as UTF-8; null: not there, or a value of another kind. */
export function textProperty(value: PropertyValue | undefined): string | null {
  if (value === undefined || value === null) return null;
  if (typeof value === 'string') return value;
  return value instanceof Uint8Array ? Buffer.from(value).toString('utf8') : null;
}
