/**
 * Templates of messages: `{{n}}` counts from 1, `{{uuid}}` is a random one, `{{now}}` the time in RFC 3339,
 * `{{random 1 100}}` a whole number between the two, both included.
 *
 * Works on bytes, since a value need not be text: read as latin1 every byte is one character and comes back.
 */
import { randomInt, randomUUID } from 'node:crypto';

import { UsageError } from '../errors.ts';

/** What a placeholder takes its value from; tests put their own. */
export interface TemplateWorld {
  readonly now: () => number;
  readonly uuid: () => string;
  /** Both included. */
  readonly random: (from: number, to: number) => number;
}

export const realWorld: TemplateWorld = {
  now: Date.now,
  uuid: () => randomUUID(),
  random: (from, to) => randomInt(from, to + 1),
};

/** Fills the placeholders for the n-th message. */
export type FillTemplate = (n: number) => Uint8Array;

/** Throws `UsageError` for a placeholder that is not known. */
export function compileTemplate(bytes: Uint8Array, world: TemplateWorld): FillTemplate {
  const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('latin1');
  if (!text.includes('{{')) return () => bytes;
  const parts: (string | ((n: number) => string))[] = [];
  let after = 0;
  for (const found of text.matchAll(/\{\{([^{}]*)\}\}/g)) {
    parts.push(text.slice(after, found.index), placeholder(found[1] ?? '', world));
    after = found.index + found[0].length;
  }
  parts.push(text.slice(after));
  return (n) =>
    Buffer.from(parts.map((part) => (typeof part === 'string' ? part : part(n))).join(''), 'latin1');
}

/** What `random` of node:crypto takes. */
const maxSpan = 2 ** 48 - 1;

function placeholder(inside: string, world: TemplateWorld): (n: number) => string {
  const [name, ...words] = inside.trim().split(/\s+/);
  if (name === 'n' && words.length === 0) return (n) => n.toString();
  if (name === 'uuid' && words.length === 0) return () => world.uuid();
  if (name === 'now' && words.length === 0) return () => new Date(world.now()).toISOString();
  const [from, to] = words.map(Number);
  if (name === 'random' && words.length === 2 && words.every((word) => /^-?\d{1,15}$/.test(word)))
    if (from !== undefined && to !== undefined && from <= to && to - from < maxSpan)
      return () => world.random(from, to).toString();
  throw new UsageError(
    `the template has a placeholder that is not known: ${JSON.stringify(`{{${inside}}}`)}`,
    {
      hint: 'known are {{n}}, {{uuid}}, {{now}} and {{random 1 100}}',
    },
  );
}
