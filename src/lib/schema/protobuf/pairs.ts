/** The messages and enums that two files have in common, by name, with the pointer to them. */
import type { EnumType, FieldKind, MessageType, ProtoFile } from './model.ts';

export interface Pair<Element> {
  readonly reader: Element;
  readonly writer: Element;
  /** `/Order/Line`: without the package. */
  readonly pointer: string;
}

/** Those of the files, and what their fields lead to in imported files, where it has the same name still. */
export function messagePairs(reader: ProtoFile, writer: ProtoFile): Pair<MessageType>[] {
  const pairs = pairsIn(reader.messages, writer.messages, '');
  const seen = new Set(pairs.map((pair) => pair.writer));
  // The list grows while it is walked, once for each message of the writer.
  for (const pair of pairs)
    for (const imported of importedPairs(pair))
      if (!seen.has(imported.writer)) {
        seen.add(imported.writer);
        pairs.push(imported);
      }
  return pairs;
}

function importedPairs({ reader, writer, pointer }: Pair<MessageType>): Pair<MessageType>[] {
  return [...writer.fields.values()].flatMap((written) => {
    const read = reader.fields.get(written.number);
    const from = messageOf(written.type);
    const to = read === undefined ? null : messageOf(read.type);
    if (from === null || to === null || from.localName !== to.localName) return [];
    return [{ reader: to, writer: from, pointer: `${pointer}/${written.name}` }];
  });
}

function messageOf(type: FieldKind): MessageType | null {
  if (type.kind === 'map') return messageOf(type.value);
  return type.kind === 'message' ? type.of : null;
}

function pairsIn(
  readers: readonly MessageType[],
  writers: readonly MessageType[],
  pointer: string,
): Pair<MessageType>[] {
  return namedPairs(readers, writers, pointer).flatMap((pair) => [
    pair,
    ...pairsIn(pair.reader.messages, pair.writer.messages, pair.pointer),
  ]);
}

/** Those at the top of both files, and those within the messages of `messagePairs`. */
export function enumPairs(reader: ProtoFile, writer: ProtoFile): Pair<EnumType>[] {
  return [
    ...namedPairs(reader.enums, writer.enums, ''),
    ...messagePairs(reader, writer).flatMap((pair) =>
      namedPairs(pair.reader.enums, pair.writer.enums, pair.pointer),
    ),
  ];
}

function namedPairs<Element extends { readonly fullName: string }>(
  readers: readonly Element[],
  writers: readonly Element[],
  pointer: string,
): Pair<Element>[] {
  const byName = new Map(readers.map((element) => [lastName(element.fullName), element]));
  return writers.flatMap((writer) => {
    const name = lastName(writer.fullName);
    const reader = byName.get(name);
    return reader === undefined ? [] : [{ reader, writer, pointer: `${pointer}/${name}` }];
  });
}

/** `Line` of `shop.Order.Line`. */
export function lastName(fullName: string): string {
  return fullName.slice(fullName.lastIndexOf('.') + 1);
}
