import type { SchemaElement } from '../engine.ts';
import {
  allEnums,
  allMessages,
  describeField,
  type EnumType,
  type MessageField,
  type MessageType,
  type ProtoFile,
} from './model.ts';

/** The package, messages, fields by their number, enums, and methods of services. */
export function protobufElements(file: ProtoFile): readonly SchemaElement[] {
  return [
    ...(file.packageName === '' ? [] : [element('package', 'package', file.packageName)]),
    ...allMessages(file.messages).flatMap(messageElements),
    ...allEnums(file.enums, file.messages).flatMap(enumElements),
    ...file.methods.map(({ name, signature }) => element(`rpc ${name}`, name, `rpc ${signature}`)),
  ];
}

function messageElements(message: MessageType): SchemaElement[] {
  const { localName } = message;
  const reserved = [
    ...message.reservedNumbers.map(([from, to]) =>
      from === to ? from.toString() : `${from.toString()} to ${to.toString()}`,
    ),
    ...message.reservedNames,
  ];
  const description = reserved.length === 0 ? 'message' : `message, reserved ${reserved.join(', ')}`;
  return [
    element(localName, localName, description),
    ...[...message.fields.values()].map((field) =>
      // The number is what the wire knows a field by: under another name it is the same.
      element(`${localName} ${field.number.toString()}`, `${localName}.${field.name}`, fieldText(field)),
    ),
  ];
}

function fieldText(field: MessageField): string {
  const presence =
    field.presence && field.label === 'singular' && field.oneof === null && field.type.kind !== 'message'
      ? 'optional '
      : '';
  const oneof = field.oneof === null ? '' : ` of oneof ${field.oneof}`;
  const other = field.default === null ? '' : `, default ${field.default}`;
  return `${presence}${describeField(field)}${oneof}${other}`;
}

function enumElements({ localName, names, closed }: EnumType): SchemaElement[] {
  return [
    element(localName, localName, closed ? 'closed enum' : 'enum'),
    ...[...names].map(([name, number]) =>
      element(`${localName}.${name}`, `${localName}.${name}`, number.toString()),
    ),
  ];
}

function element(key: string, path: string, description: string): SchemaElement {
  return { key, path, description };
}
