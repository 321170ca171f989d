/**
 * What a dead letter of ours says about its death: a header for each fact, or all of them in one, as a JSON object of
 * texts, where a system takes few headers, or text of one line only.
 */
import type { PublishTraits } from '../drivers/driver.ts';
import type { Header } from '../message/message.ts';
import { looseText } from '../message/text.ts';
import { ownPrefix, packedHeader } from './failure-headers.ts';
import { textOf } from './header-values.ts';

/** The name without our prefix, and what it says. */
export type DeathFact = readonly [name: string, value: string | Uint8Array];

/** The headers that say it. */
export interface DeathNote {
  readonly headers: readonly Header[];
  /** In words, what there was no room for; null: nothing. */
  readonly leftOut: string | null;
}

const longFact = 'stderr';

/** Those that a system with such headers takes, from the one that says most to the one that needs no room. */
export function deathNotes(
  facts: readonly DeathFact[],
  kind: PublishTraits['headers'],
): readonly [DeathNote, ...DeathNote[]] {
  const nothing: DeathNote = { headers: [], leftOut: 'why it died and where it lay' };
  if (kind === 'none') return [nothing];
  const short = facts.filter(([name]) => name !== longFact);
  const inOne: readonly [DeathNote, ...DeathNote[]] = [
    { headers: [packed(facts)], leftOut: null },
    { headers: [packed(short)], leftOut: 'what the command wrote to stderr' },
    nothing,
  ];
  return kind === 'text' ? inOne : [{ headers: facts.map(separate), leftOut: null }, ...inOne];
}

/** The same headers, with those in place of the one that says all. What is not of its form stays: anyone may publish such a header. */
export function unpackDeathNote(headers: readonly Header[]): readonly Header[] {
  if (!headers.some(({ name }) => name === packedHeader)) return headers;
  return headers.flatMap((header) =>
    header.name === packedHeader ? (unpack(header) ?? [header]) : [header],
  );
}

function separate([name, value]: DeathFact): Header {
  return {
    name: `${ownPrefix}${name}`,
    value: typeof value === 'string' ? Buffer.from(value, 'utf8') : value,
  };
}

function packed(facts: readonly DeathFact[]): Header {
  const said = facts.map(([name, value]) => [name, typeof value === 'string' ? value : looseText(value)]);
  return { name: packedHeader, value: Buffer.from(JSON.stringify(Object.fromEntries(said)), 'utf8') };
}

function unpack({ value }: Header): readonly Header[] | null {
  let said: unknown;
  try {
    said = JSON.parse(textOf(value) ?? '');
  } catch {
    return null;
  }
  if (typeof said !== 'object' || said === null) return null;
  return Object.entries(said).flatMap(([name, fact]) =>
    typeof fact === 'string' ? [separate([name, fact])] : [],
  );
}
