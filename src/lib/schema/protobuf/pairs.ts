/** The messages and enums that two files have in common, by name, with the pointer to them. */
import type { EnumType, FieldKind, MessageType, ProtoFile } from './model.ts';

export interface Pair<Element> {
  readonly reader: Element;
  readonly writer: Element;
  /** `/Order/Line`: without the package. */
  readonly pointer: string;
  /** A field led to it: at least one of the two files imports it. */
  readonly imported: boolean;
}

/** Where pairs are looked for by name. */
type Within = Pick<Pair<MessageType>, 'pointer' | 'imported'>;

const topOfFile: Within = { pointer: '', imported: false };

/** Those of the files, and what their fields lead to in imported files, where it has the same name still. */
export function messagePairs(reader: ProtoFile, writer: ProtoFile): Pair<MessageType>[] {
  const pairs = pairsIn(reader.messages, writer.messages, topOfFile);
  const seen = new Set(pairs.map((pair) => pair.writer));
  // The list grows while it is walked, once for each message of the writer.
  for (const pair of pairs)
    for (const imported of typePairs(pair, messageOf))
      if (!seen.has(imported.writer)) {
        seen.add(imported.writer);
        pairs.push(imported);
      }
  return pairs;
}

/** Of the fields that both have by number: what their types lead to, where it has the same name still. */
function typePairs<Element extends { readonly localName: string }>(
  { reader, writer, pointer }: Pair<MessageType>,
  typeOf: (type: FieldKind) => Element | null,
): Pair<Element>[] {
  return [...writer.fields.values()].flatMap((written) => {
    const read = reader.fields.get(written.number);
    const from = typeOf(written.type);
    const to = read === undefined ? null : typeOf(read.type);
    if (from === null || to === null || from.localName !== to.localName) return [];
    return [{ reader: to, writer: from, pointer: `${pointer}/${written.name}`, imported: true }];
  });
}

function messageOf(type: FieldKind): MessageType | null {
  if (type.kind === 'map') return messageOf(type.value);
  return type.kind === 'message' ? type.of : null;
}

/** Of a map, the enum of its values. */
export function enumOf(type: FieldKind): EnumType | null {
  if (type.kind === 'map') return enumOf(type.value);
  return type.kind === 'enum' ? type.of : null;
}

function pairsIn(
  readers: readonly MessageType[],
  writers: readonly MessageType[],
  within: Within,
): Pair<MessageType>[] {
  return namedPairs(readers, writers, within).flatMap((pair) => [
    pair,
    ...pairsIn(pair.reader.messages, pair.writer.messages, pair),
  ]);
}

/** Those at the top of both files, those within the messages of `messagePairs`, and what the fields of these lead to elsewhere. */
export function enumPairs(reader: ProtoFile, writer: ProtoFile): Pair<EnumType>[] {
  const messages = messagePairs(reader, writer);
  const pairs = [
    ...namedPairs(reader.enums, writer.enums, topOfFile),
    ...messages.flatMap((pair) => namedPairs(pair.reader.enums, pair.writer.enums, pair)),
    ...messages.flatMap((pair) => typePairs(pair, enumOf)),
  ];
  const seen = new Set<EnumType>();
  return pairs.filter((pair) => !seen.has(pair.writer) && seen.add(pair.writer));
}

function namedPairs<Element extends { readonly fullName: string }>(
  readers: readonly Element[],
  writers: readonly Element[],
  { pointer, imported }: Within,
): Pair<Element>[] {
  const byName = new Map(readers.map((element) => [lastName(element.fullName), element]));
  return writers.flatMap((writer) => {
    const name = lastName(writer.fullName);
    const reader = byName.get(name);
    return reader === undefined ? [] : [{ reader, writer, pointer: `${pointer}/${name}`, imported }];
  });
}

/** `Line` of `shop.Order.Line`. */
export function lastName(fullName: string): string {
  return fullName.slice(fullName.lastIndexOf('.') + 1);
}
