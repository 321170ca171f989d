/**
 * Keys that mqctl keeps beside a stream while it works on it: who holds which entry, who operates on it, what the last move
 * moved. They are of no stream's type, expire by themselves, and lie in the stream's own slot of a cluster.
 */
import { createHash } from 'node:crypto';

export type Companion = 'held' | 'lease' | 'moved';

/**
 * The part of a key in braces says its slot (Redis cluster specification, "Hash tags"): the stream's own where it has one,
 * else the whole name. null: a name with a closing brace and no such part cannot be put into braces.
 */
export function companionKey(stream: string, kind: Companion, detail = ''): string | null {
  const open = stream.indexOf('{');
  const close = open === -1 ? -1 : stream.indexOf('}', open + 1);
  const tagged = close > open + 1;
  const tag = tagged ? stream.slice(open + 1, close) : stream;
  if (tag.includes('}') || tag === '') return null;
  // Two streams of one tag are told apart by what follows.
  const own = createHash('sha256').update(`${stream}\0${detail}`).digest('hex').slice(0, 24);
  return `mqctl:${kind}:{${tag}}:${own}`;
}
