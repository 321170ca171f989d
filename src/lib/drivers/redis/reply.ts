/** Answers of the server, as RESP 2 has them: read here once, so that nothing behind it guesses. */

export type Reply = Buffer | string | number | bigint | null | readonly Reply[];

/** Of what the client library gave. Throws for what is no answer of RESP 2. */
export function replyOf(value: unknown): Reply {
  if (value === null || value === undefined) return null;
  if (Buffer.isBuffer(value) || typeof value === 'string' || typeof value === 'number') return value;
  if (typeof value === 'bigint') return value;
  if (Array.isArray(value)) return value.map(replyOf);
  if (value instanceof Error) throw value;
  throw new Error(`an answer of the type ${typeof value}`);
}

/** Empty for anything but a list. */
export function listOf(reply: Reply | undefined): readonly Reply[] {
  return isList(reply) ? reply : [];
}

function isList(reply: Reply | undefined): reply is readonly Reply[] {
  return Array.isArray(reply);
}

/** As `textOrNull`, with an empty text for null. */
export function textOf(reply: Reply | undefined): string {
  return textOrNull(reply) ?? '';
}

/** Bytes are read as UTF-8, numbers written out; null for nil and for a list. */
export function textOrNull(reply: Reply | undefined): string | null {
  if (Buffer.isBuffer(reply)) return reply.toString('utf8');
  if (typeof reply === 'string') return reply;
  return typeof reply === 'number' || typeof reply === 'bigint' ? String(reply) : null;
}

/** null for nil: what the server does not know is not 0. */
export function numberOrNull(reply: Reply | undefined): number | null {
  if (typeof reply === 'number') return reply;
  const text = textOrNull(reply);
  return text !== null && /^-?\d+(\.\d+)?$/.test(text) ? Number(text) : null;
}

function bytesOf(reply: Reply | undefined): Buffer {
  if (Buffer.isBuffer(reply)) return reply;
  return Buffer.from(textOf(reply));
}

/** Names and values in turn. */
export function mapOf(reply: Reply | undefined): ReadonlyMap<string, Reply> {
  const items = listOf(reply);
  const map = new Map<string, Reply>();
  for (let index = 0; index + 1 < items.length; index += 2)
    map.set(textOf(items[index]), items[index + 1] ?? null);
  return map;
}

export interface Entry {
  readonly id: string;
  /** Names and values in turn. */
  readonly fields: readonly Buffer[];
}

/** Of XRANGE and its like. What was deleted in between comes as nil, and is left out. */
export function entriesOf(reply: Reply | undefined): readonly Entry[] {
  return listOf(reply).flatMap((item): Entry[] => {
    const [id, fields] = listOf(item);
    if (id === undefined || fields === undefined || fields === null) return [];
    return [{ id: textOf(id), fields: listOf(fields).map(bytesOf) }];
  });
}
