/**
 * Why Apicurio Registry rejects a change of a .proto file, whatever the data says: it wants what is gone to be reserved,
 * and no field or enum value renamed. It looks only at what the file itself defines (`buildIndexes` of its `ProtobufFile`),
 * not at what it imports. The registry words its reasons as sentences; the codes are ours.
 */
import { describeField, describeKind, type EnumType, type MessageField, type MessageType } from './model.ts';
import { enumPairs, messagePairs, type Pair } from './pairs.ts';
import { fieldSpot, lackingSpot, spot, type FoundDifference, type NamedFile } from './spots.ts';

/** What the registry rejects of `reader`, which is to follow `writer`; `data` is `compatible` in each. */
export function apicurioRules(reader: NamedFile, writer: NamedFile): FoundDifference[] {
  return [
    ...messagePairs(reader.file, writer.file)
      .filter(({ imported }) => !imported)
      .flatMap((pair) => [...fieldRules(reader, writer, pair), ...reservationRules(reader, writer, pair)]),
    ...enumPairs(reader.file, writer.file)
      .filter(({ imported }) => !imported)
      .flatMap((pair) => enumRules(reader, writer, pair)),
    ...serviceRules(reader, writer),
  ];
}

function rejection(
  code: string,
  message: string,
  sides: Pick<FoundDifference, 'reader' | 'writer'>,
  suggestion: string,
): FoundDifference {
  return { code, message, ...sides, confluent: null, apicurio: code, data: 'compatible', suggestion };
}

function fieldRules(reader: NamedFile, writer: NamedFile, pair: Pair<MessageType>): FoundDifference[] {
  const found: FoundDifference[] = [];
  const byName = new Map([...pair.reader.fields.values()].map((field) => [field.name, field]));
  for (const written of pair.writer.fields.values()) {
    const writtenSpot = fieldSpot(writer, pair.pointer, written);
    const named = byName.get(written.name);
    if (named !== undefined) {
      const sides = { reader: fieldSpot(reader, pair.pointer, named), writer: writtenSpot };
      if (named.number !== written.number)
        found.push(
          rejection(
            'FIELD_NUMBER_CHANGED',
            `${written.name} has number ${named.number.toString()}, it had ${written.number.toString()}`,
            sides,
            `give ${written.name} its number ${written.number.toString()} back`,
          ),
        );
      if (typeName(named) !== typeName(written))
        found.push(
          rejection(
            'FIELD_TYPE_CHANGED',
            `${written.name} is ${describeKind(named.type)}, it was ${describeKind(written.type)}`,
            sides,
            `keep ${describeField(written)}, and add a field`,
          ),
        );
      else if (named.label !== written.label)
        found.push(
          rejection(
            'FIELD_LABEL_CHANGED',
            `${written.name} is ${named.label}, it was ${written.label}`,
            sides,
            `keep ${describeField(written)}, and add a field`,
          ),
        );
    }
    found.push(...goneRules(reader, writer, pair, written));
  }
  return found;
}

function goneRules(
  reader: NamedFile,
  writer: NamedFile,
  pair: Pair<MessageType>,
  written: MessageField,
): FoundDifference[] {
  const writtenSpot = fieldSpot(writer, pair.pointer, written);
  const numbered = pair.reader.fields.get(written.number);
  const named = [...pair.reader.fields.values()].some((field) => field.name === written.name);
  const number = written.number.toString();
  if (numbered !== undefined && numbered.name !== written.name)
    return [
      rejection(
        'FIELD_NAME_CHANGED',
        `field ${number} is called ${numbered.name}, it was ${written.name}`,
        { reader: fieldSpot(reader, pair.pointer, numbered), writer: writtenSpot },
        `keep the name ${written.name}`,
      ),
    ];
  if (numbered !== undefined || named) return [];
  if (isReservedNumber(pair.reader, written.number) && pair.reader.reservedNames.includes(written.name))
    return [];
  return [
    rejection(
      'FIELD_REMOVED_WITHOUT_RESERVATION',
      `${written.name} is gone, and its number and name are free for another`,
      { reader: lackingSpot(reader, pair.pointer, pair.reader), writer: writtenSpot },
      `add: reserved ${number}; reserved "${written.name}";`,
    ),
  ];
}

function reservationRules(reader: NamedFile, writer: NamedFile, pair: Pair<MessageType>): FoundDifference[] {
  const found: FoundDifference[] = [];
  for (const field of pair.reader.fields.values())
    if (isReservedNumber(pair.writer, field.number) || pair.writer.reservedNames.includes(field.name))
      found.push(
        rejection(
          'RESERVED_FIELD_USED',
          `${field.name} takes a number or name that was reserved`,
          {
            reader: fieldSpot(reader, pair.pointer, field),
            writer: lackingSpot(writer, pair.pointer, pair.writer),
          },
          'take a number and a name that were never used',
        ),
      );
  const lost = [
    ...pair.writer.reservedNumbers
      .filter(([from, to]) => !isReservedRange(pair.reader, from, to))
      .map(([from, to]) => (from === to ? from.toString() : `${from.toString()} to ${to.toString()}`)),
    ...pair.writer.reservedNames
      .filter((name) => !pair.reader.reservedNames.includes(name))
      .map((name) => `"${name}"`),
  ];
  if (lost.length > 0)
    found.push(
      rejection(
        'RESERVATION_REMOVED',
        `${lost.join(', ')} ${lost.length === 1 ? 'is' : 'are'} reserved no longer`,
        {
          reader: lackingSpot(reader, pair.pointer, pair.reader),
          writer: lackingSpot(writer, pair.pointer, pair.writer),
        },
        `add: reserved ${lost.join(', ')};`,
      ),
    );
  return found;
}

function enumRules(reader: NamedFile, writer: NamedFile, pair: Pair<EnumType>): FoundDifference[] {
  return [...pair.writer.names].flatMap(([name, number]) => {
    const sides = {
      reader: spot(reader, pair.pointer, pair.reader.place, `enum ${pair.reader.localName}`),
      writer: spot(
        writer,
        `${pair.pointer}/${name}`,
        pair.writer.places.get(name) ?? null,
        `${name} = ${number.toString()}`,
      ),
    };
    const now = pair.reader.names.get(name);
    if (now !== undefined && now !== number)
      return [
        rejection(
          'ENUM_VALUE_NUMBER_CHANGED',
          `${name} is ${now.toString()}, it was ${number.toString()}`,
          sides,
          `give ${name} its number ${number.toString()} back`,
        ),
      ];
    if (now !== undefined) return [];
    return [
      rejection(
        'ENUM_VALUE_NAME_CHANGED',
        `enum ${pair.reader.localName} has no ${name} any more`,
        sides,
        `keep ${name} = ${number.toString()}`,
      ),
    ];
  });
}

function serviceRules(reader: NamedFile, writer: NamedFile): FoundDifference[] {
  const now = new Map(reader.file.methods.map((method) => [method.name, method]));
  return writer.file.methods.flatMap((method) => {
    const other = now.get(method.name);
    const at = `/${method.name.replace('.', '/')}`;
    const before = spot(writer, at, method.place, method.signature);
    if (other === undefined)
      return [
        rejection(
          'RPC_REMOVED',
          `there is no call ${method.name} any more`,
          { reader: spot(reader, '', null, null), writer: before },
          `keep ${method.name}`,
        ),
      ];
    if (other.signature === method.signature) return [];
    return [
      rejection(
        'RPC_SIGNATURE_CHANGED',
        `${method.name} takes ${other.signature}, it took ${method.signature}`,
        { reader: spot(reader, at, other.place, other.signature), writer: before },
        'add another call',
      ),
    ];
  });
}

function typeName(field: MessageField): string {
  return field.type.kind === 'enum' || field.type.kind === 'message'
    ? field.type.of.fullName
    : describeKind(field.type);
}

function isReservedNumber(message: MessageType, number: number): boolean {
  return message.reservedNumbers.some(([from, to]) => number >= from && number <= to);
}

/** Whether the ranges that are reserved cover all of `from` to `to`, together. */
function isReservedRange(message: MessageType, from: number, to: number): boolean {
  let next = from;
  for (const [start, end] of message.reservedNumbers.toSorted(([one], [other]) => one - other))
    if (start <= next && end >= next) next = end + 1;
  return next > to;
}
