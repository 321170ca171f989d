/** What a .proto file defines, as the comparison and the wire scanner need it: fields by number, everything resolved. */
import type protobuf from 'protobufjs';

import type { Place } from '../finding.ts';

export const scalarNames = [
  'double',
  'float',
  'int32',
  'int64',
  'uint32',
  'uint64',
  'sint32',
  'sint64',
  'fixed32',
  'fixed64',
  'sfixed32',
  'sfixed64',
  'bool',
  'string',
  'bytes',
] as const;
export type ScalarName = (typeof scalarNames)[number];

export type FieldKind =
  | { readonly kind: 'scalar'; readonly scalar: ScalarName }
  | { readonly kind: 'enum'; readonly of: EnumType }
  /** `delimited`: between a start and an end tag, as groups are, in place of a length before it. */
  | { readonly kind: 'message'; readonly of: MessageType; readonly delimited: boolean }
  | { readonly kind: 'map'; readonly key: ScalarName; readonly value: FieldKind };

export interface MessageField {
  readonly number: number;
  /** As the file writes it; an extension is its full name in brackets. */
  readonly name: string;
  /** Under which the codec keeps it in a message. */
  readonly property: string;
  /** The name in Protobuf's JSON form. */
  readonly jsonName: string;
  readonly type: FieldKind;
  readonly label: 'singular' | 'required' | 'repeated';
  /** Whether the wire says that the field was set, also to its default. */
  readonly presence: boolean;
  /** The `oneof` it is in; the one that `optional` implies in proto3 is none. */
  readonly oneof: string | null;
  /** Proto2's default in canonical JSON text; null where the file says none. */
  readonly default: string | null;
  readonly place: Place | null;
}

export interface MessageType {
  /** With the package, without a leading dot. */
  readonly fullName: string;
  /** Without the package: `Order.Line`. */
  readonly localName: string;
  readonly fields: ReadonlyMap<number, MessageField>;
  readonly oneofs: ReadonlyMap<string, Place | null>;
  readonly reservedNumbers: readonly (readonly [from: number, to: number])[];
  readonly reservedNames: readonly string[];
  /** Written with the old `group` syntax: no message of its own. */
  readonly group: boolean;
  readonly messages: readonly MessageType[];
  readonly enums: readonly EnumType[];
  readonly place: Place | null;
  readonly codec: protobuf.Type;
}

export interface EnumType {
  readonly fullName: string;
  readonly localName: string;
  /** A closed one (proto2) keeps an unknown number aside; an open one (proto3) takes any. */
  readonly closed: boolean;
  /** Several names may share a number. */
  readonly names: ReadonlyMap<string, number>;
  readonly places: ReadonlyMap<string, Place>;
  readonly place: Place | null;
}

export interface ServiceMethod {
  /** `Orders.Get`. */
  readonly name: string;
  /** `Request`, `stream Request`; with its answer. */
  readonly signature: string;
  readonly place: Place | null;
}

/** One file, with what it imports resolved. */
export interface ProtoFile {
  readonly packageName: string;
  /** At the top of the file, in its order: framings count them. */
  readonly messages: readonly MessageType[];
  readonly enums: readonly EnumType[];
  readonly methods: readonly ServiceMethod[];
  readonly packagePlace: Place | null;
}

/** A field's type for people: `repeated Order.Line`, `map<string, int64>`. */
export function describeField(field: MessageField): string {
  const label = field.label === 'singular' ? '' : `${field.label} `;
  return `${label}${describeKind(field.type)} ${field.name} = ${field.number.toString()}`;
}

/** For people, without the package: `int64`, `Order.Line`, `group Order.Line`, `map<string, int64>`. */
export function describeKind(type: FieldKind): string {
  switch (type.kind) {
    case 'scalar':
      return type.scalar;
    case 'enum':
      return type.of.localName;
    case 'message':
      return type.delimited ? `group ${type.of.localName}` : type.of.localName;
    case 'map':
      return `map<${type.key}, ${describeKind(type.value)}>`;
  }
}

/** Every message of a list, those inside of them too. */
export function allMessages(messages: readonly MessageType[]): MessageType[] {
  return messages.flatMap((message) => [message, ...allMessages(message.messages)]);
}

/** Every enum at the top and inside of messages. */
export function allEnums(enums: readonly EnumType[], messages: readonly MessageType[]): EnumType[] {
  return [...enums, ...allMessages(messages).flatMap((message) => message.enums)];
}
