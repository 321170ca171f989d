/**
 * What breaks only where messages are written in Protobuf's JSON form (protobuf.dev/programming-guides/json), in which
 * names stand for fields and enum values. The bytes of a topic are not concerned.
 */
import { readsEveryField } from './data-change.ts';
import { describeField, describeKind, type FieldKind, type MessageField, type MessageType } from './model.ts';
import { enumPairs, messagePairs, type Pair } from './pairs.ts';
import { fieldSpot, lackingSpot, spot, type FoundDifference, type NamedFile } from './spots.ts';

/** No registry rejects any of these; `data` is `json-form` in each. */
export function compareJsonForm(reader: NamedFile, writer: NamedFile): FoundDifference[] {
  return [
    ...messagePairs(reader.file, writer.file).flatMap((pair) =>
      [...pair.writer.fields.values()].flatMap((written) => fieldForm(reader, writer, pair, written)),
    ),
    ...enumForms(reader, writer),
  ];
}

const inJsonForm = { confluent: null, apicurio: null, data: 'json-form' } as const;

function fieldForm(
  reader: NamedFile,
  writer: NamedFile,
  pair: Pair<MessageType>,
  written: MessageField,
): FoundDifference[] {
  const read = pair.reader.fields.get(written.number);
  const writtenSpot = fieldSpot(writer, pair.pointer, written);
  if (read === undefined)
    return [
      {
        code: 'FIELD_REMOVED',
        message: `${pair.reader.localName} has no ${written.name} any more: its bytes are skipped, in the JSON form it is refused`,
        reader: lackingSpot(reader, pair.pointer, pair.reader),
        writer: writtenSpot,
        ...inJsonForm,
        suggestion: `keep ${written.name}, and mark it deprecated`,
      },
    ];
  const sides = { reader: fieldSpot(reader, pair.pointer, read), writer: writtenSpot };
  if (written.jsonName !== read.jsonName && written.jsonName !== read.name)
    return [
      {
        code: 'FIELD_NAME_CHANGED',
        message: `field ${written.number.toString()} is "${read.jsonName}" in the JSON form, it was "${written.jsonName}"`,
        ...sides,
        ...inJsonForm,
        suggestion: `add [json_name = "${written.jsonName}"]`,
      },
    ];
  if (readsEveryField(read, written) && !sameJsonForm(read, written))
    return [
      {
        code: 'FIELD_JSON_TYPE_CHANGED',
        message: `${written.name} is ${describeField(read)}, it was ${describeField(written)}: the bytes are the same, the JSON form is not`,
        ...sides,
        ...inJsonForm,
        suggestion: `keep ${describeField(written)}, and add a field`,
      },
    ];
  return [];
}

function enumForms(reader: NamedFile, writer: NamedFile): FoundDifference[] {
  return enumPairs(reader.file, writer.file).flatMap((pair) =>
    [...pair.writer.names]
      .filter(([name, number]) => pair.reader.names.get(name) !== number)
      .map(([name, number]) => {
        const now = [...pair.reader.names].find(([, value]) => value === number)?.[0];
        return {
          code: now === undefined ? 'ENUM_CONST_REMOVED' : 'ENUM_CONST_CHANGED',
          message: `${pair.reader.localName} ${now === undefined ? `has no ${name} any more` : `calls ${number.toString()} ${now}, it was ${name}`}: in the JSON form "${name}" is refused or means another`,
          reader: spot(
            reader,
            now === undefined ? pair.pointer : `${pair.pointer}/${now}`,
            (now === undefined ? undefined : pair.reader.places.get(now)) ?? pair.reader.place,
            now === undefined ? null : `${now} = ${number.toString()}`,
          ),
          writer: spot(
            writer,
            `${pair.pointer}/${name}`,
            pair.writer.places.get(name) ?? null,
            `${name} = ${number.toString()}`,
          ),
          ...inJsonForm,
          suggestion: `keep ${name} = ${number.toString()}`,
        };
      }),
  );
}

/** How a value looks there: numbers of 64 bits are text, bytes are base64, enums are names. */
function sameJsonForm(read: MessageField, written: MessageField): boolean {
  if ((read.label === 'repeated') !== (written.label === 'repeated')) return false;
  const [form, before] = [jsonForm(read.type), jsonForm(written.type)];
  // An enum's number is read where its name is expected.
  return form === before || (form === 'enum' && before === 'number');
}

function jsonForm(type: FieldKind): string {
  if (type.kind === 'enum' || type.kind === 'message') return type.kind;
  if (type.kind === 'map') return `map of ${jsonForm(type.value)}`;
  if (type.scalar === 'string' || type.scalar === 'bytes' || type.scalar === 'bool')
    return describeKind(type);
  // Readers take numbers and text alike.
  return 'number';
}
