/** From the text of a .proto file, and of what it imports, to the model. Nothing is fetched. */
import { createRequire } from 'node:module';
import protobuf from 'protobufjs';

import { errorText } from '../../errors.ts';
import type { SchemaReference, SchemaSource } from '../engine.ts';
import { InvalidSchemaError } from '../errors.ts';
import type { Place } from '../finding.ts';
import { checkRules } from './file-rules.ts';
import { outlineOf, type Outline } from './outline.ts';
import {
  scalarNames,
  type EnumType,
  type FieldKind,
  type MessageField,
  type MessageType,
  type ProtoFile,
  type ScalarName,
} from './model.ts';

/** A larger file is no schema, and parsing it would take minutes. */
const maxTextLength = 8 * 1024 * 1024;
/** The parser's time grows with the square of a message's fields. */
const maxElements = 5_000;

/** What protoc ships, which nobody gives as a reference. */
const shipped: ReadonlyMap<string, string> = new Map([
  ['google/protobuf/descriptor.proto', 'protobufjs/google/protobuf/descriptor.json'],
  ['google/protobuf/source_context.proto', 'protobufjs/google/protobuf/source_context.json'],
  ['google/protobuf/type.proto', 'protobufjs/google/protobuf/type.json'],
  ['google/protobuf/api.proto', 'protobufjs/google/protobuf/api.json'],
]);

/** Throws `InvalidSchemaError` with the place, where the parser knows one. */
export function readProto(source: SchemaSource): ProtoFile {
  return new ProtoReader(source).read();
}

class ProtoReader {
  readonly #source: SchemaSource;
  readonly #root = new protobuf.Root();
  readonly #places = new Map<string, Place>();
  readonly #parsed = new Set<string>();
  readonly #messages = new Map<protobuf.Type, MessageType>();
  readonly #enums = new Map<protobuf.Enum, EnumType>();
  #packageName = '';

  constructor(source: SchemaSource) {
    this.#source = source;
  }

  read(): ProtoFile {
    const references = collectReferences(this.#source.references);
    const parsed = this.#parse(this.#source, references);
    this.#packageName = parsed.packageName;
    try {
      this.#root.resolveAll();
    } catch (thrown) {
      throw this.#invalid(this.#source.name, thrown, null);
    }
    const own = [...this.#ownElements(this.#root)];
    const messages = own
      .filter((element) => element instanceof protobuf.Type)
      .map((type) => this.#message(type));
    const enums = own.filter((element) => element instanceof protobuf.Enum).map((type) => this.#enum(type));
    const file: ProtoFile = {
      packageName: this.#packageName,
      messages,
      enums,
      methods: own
        .filter((element) => element instanceof protobuf.Service)
        .flatMap((service) =>
          service.methodsArray.map((method) => ({
            name: `${service.name}.${method.name}`,
            signature: `${method.requestStream === true ? 'stream ' : ''}${method.requestType} returns ${
              method.responseStream === true ? 'stream ' : ''
            }${method.responseType}`,
            place: this.#placeOf(method.fullName),
          })),
        ),
      packagePlace: parsed.packagePlace,
    };
    checkRules(this.#source.name, file);
    return file;
  }

  /** Imports first, each once, so that a cycle ends: the parser wants what is extended before what extends it. */
  #parse(
    source: SchemaSource,
    references: ReadonlyMap<string, SchemaSource>,
  ): Outline & { readonly packageName: string } {
    if (source.text.length > maxTextLength)
      throw new InvalidSchemaError(source.name, `it is larger than ${maxTextLength.toString()} characters`);
    this.#parsed.add(source.name);
    const outline = outlineOf(source.name, source.text);
    const crowded = crowdedScope(outline.places.keys());
    if (crowded !== null)
      throw new InvalidSchemaError(
        source.name,
        `${crowded} has more than ${maxElements.toString()} elements`,
      );
    for (const path of outline.imports) {
      const reference = references.get(path);
      if (reference !== undefined) {
        if (!this.#parsed.has(reference.name)) this.#parse(reference, references);
      } else if (!this.#addShipped(path)) {
        throw new InvalidSchemaError(source.name, `it imports "${path}", which was not given`, null, {
          hint: 'give the file as a reference: nothing is fetched',
        });
      }
    }
    for (const [name, place] of outline.places) this.#places.set(name, place);
    try {
      const { package: packageName } = protobuf.parse(source.text, this.#root, { keepCase: true });
      return { ...outline, packageName: packageName ?? '' };
    } catch (thrown) {
      throw this.#invalid(source.name, thrown, placeInError(source.name, thrown));
    }
  }

  /** What stands at the top of the file itself, in its order. */
  *#ownElements(namespace: protobuf.NamespaceBase): Generator<protobuf.ReflectionObject> {
    for (const nested of namespace.nestedArray) {
      if (
        nested instanceof protobuf.Type ||
        nested instanceof protobuf.Enum ||
        nested instanceof protobuf.Service
      ) {
        if (this.#placeOf(nested.fullName)?.file === this.#source.name) yield nested;
      } else if (nested instanceof protobuf.Namespace) yield* this.#ownElements(nested);
    }
  }

  #addShipped(path: string): boolean {
    if (this.#parsed.has(path)) return true;
    const common = protobuf.common.get(path);
    const file = shipped.get(path);
    if (common === null && file === undefined) return false;
    this.#parsed.add(path);
    if (common !== null) this.#root.addJSON(common.nested ?? {});
    else if (file !== undefined) {
      this.#root.addJSON(
        protobuf.loadSync(createRequire(import.meta.url).resolve(file)).toJSON().nested ?? {},
      );
    }
    return true;
  }

  #invalid(name: string, thrown: unknown, place: Place | null): InvalidSchemaError {
    const reason = errorText(thrown).replace(/ \((?:[^()]*, )?line \d+\)$/, '');
    return new InvalidSchemaError(name, reason, place, { cause: thrown });
  }

  #placeOf(fullName: string): Place | null {
    return this.#places.get(fullName.replace(/^\./, '')) ?? null;
  }

  #localName(fullName: string): string {
    const name = fullName.replace(/^\./, '');
    return name.startsWith(`${this.#packageName}.`) ? name.slice(this.#packageName.length + 1) : name;
  }

  #message(type: protobuf.Type): MessageType {
    const known = this.#messages.get(type);
    if (known !== undefined) return known;
    const fields = new Map<number, MessageField>();
    const messages: MessageType[] = [];
    const enums: EnumType[] = [];
    const reservedNumbers: [number, number][] = [];
    const reservedNames: string[] = [];
    for (const reserved of type.reserved ?? []) {
      if (typeof reserved === 'string') reservedNames.push(reserved);
      else reservedNumbers.push([reserved[0] ?? 0, reserved[1] ?? reserved[0] ?? 0]);
    }
    const message: MessageType = {
      fullName: type.fullName.replace(/^\./, ''),
      localName: this.#localName(type.fullName),
      fields,
      oneofs: new Map(
        type.oneofsArray
          .filter((oneof) => !isImpliedByOptional(oneof))
          .map((oneof) => [oneof.name, this.#placeOf(oneof.fullName)]),
      ),
      reservedNumbers,
      reservedNames,
      group: Reflect.get(type, 'group') === true,
      messages,
      enums,
      place: this.#placeOf(type.fullName),
      codec: type,
    };
    // Registered before its fields are read: a message may hold itself.
    this.#messages.set(type, message);
    for (const field of type.fieldsArray) fields.set(field.id, this.#field(field.resolve()));
    for (const nested of type.nestedArray) {
      if (nested instanceof protobuf.Type) messages.push(this.#message(nested));
      else if (nested instanceof protobuf.Enum) enums.push(this.#enum(nested));
    }
    return message;
  }

  #field(field: protobuf.Field): MessageField {
    const declared = field.declaringField ?? field;
    const oneof = field.partOf;
    const type = this.#kind(field.type, field.resolvedType, field);
    return {
      number: field.id,
      name: declared === field ? field.name : `[${declared.fullName.replace(/^\./, '')}]`,
      property: field.name,
      jsonName: declared === field ? jsonNameOf(field) : `[${declared.fullName.replace(/^\./, '')}]`,
      type: field instanceof protobuf.MapField ? this.#mapKind(field, type) : type,
      label: field.repeated
        ? 'repeated'
        : feature(field, 'field_presence') === 'LEGACY_REQUIRED'
          ? 'required'
          : 'singular',
      presence: !field.repeated && !field.map && hasPresence(field),
      oneof: oneof === null || isImpliedByOptional(oneof) ? null : oneof.name,
      default: defaultOf(field),
      place: this.#placeOf(declared.fullName),
    };
  }

  #mapKind(field: protobuf.MapField, value: FieldKind): FieldKind {
    const key = scalarNames.find((name) => name === field.keyType);
    if (key === undefined)
      throw new InvalidSchemaError(this.#source.name, `"${field.keyType}" is no type of a map's key`);
    return { kind: 'map', key, value };
  }

  #kind(name: string, resolved: protobuf.ReflectionObject | null, field: protobuf.Field): FieldKind {
    if (resolved instanceof protobuf.Type)
      return {
        kind: 'message',
        of: this.#message(resolved),
        delimited: feature(field, 'message_encoding') === 'DELIMITED',
      };
    if (resolved instanceof protobuf.Enum) return { kind: 'enum', of: this.#enum(resolved) };
    const scalar: ScalarName | undefined = scalarNames.find((known) => known === name);
    if (scalar !== undefined) return { kind: 'scalar', scalar };
    throw new InvalidSchemaError(
      this.#source.name,
      `"${name}", the type of ${field.fullName.replace(/^\./, '')}, is no message and no enum`,
      this.#placeOf(field.fullName),
    );
  }

  #enum(type: protobuf.Enum): EnumType {
    const known = this.#enums.get(type);
    if (known !== undefined) return known;
    const names = new Map(Object.entries(type.values));
    const fullName = type.fullName.replace(/^\./, '');
    const found: EnumType = {
      fullName,
      localName: this.#localName(type.fullName),
      closed: feature(type, 'enum_type') === 'CLOSED',
      names,
      places: new Map(
        [...names.keys()].flatMap((name) => {
          const place = this.#placeOf(`${fullName}.${name}`);
          return place === null ? [] : [[name, place]];
        }),
      ),
      place: this.#placeOf(fullName),
    };
    this.#enums.set(type, found);
    return found;
  }
}

/** By import path; references of references count, too. */
function collectReferences(references: readonly SchemaReference[]): Map<string, SchemaSource> {
  const byName = new Map<string, SchemaSource>();
  const add = (given: readonly SchemaReference[]): void => {
    for (const { name, source } of given) {
      if (byName.has(name)) continue;
      byName.set(name, source);
      add(source.references);
    }
  };
  add(references);
  return byName;
}

/** The first message or enum with more elements than the parser can take in bounded time. */
function crowdedScope(names: Iterable<string>): string | null {
  const counts = new Map<string, number>();
  for (const name of names) {
    const scope = name.slice(0, Math.max(0, name.lastIndexOf('.')));
    const count = (counts.get(scope) ?? 0) + 1;
    if (count > maxElements) return scope === '' ? 'the file' : scope;
    counts.set(scope, count);
  }
  return null;
}

/** Proto3's `optional` is a `oneof` of one to the parser. */
function isImpliedByOptional(oneof: protobuf.OneOf): boolean {
  const [only] = oneof.fieldsArray;
  return oneof.fieldsArray.length === 1 && only?.getOption('proto3_optional') === true;
}

/** A feature as editions name them; proto2 and proto3 are sets of them. The library keeps them untyped. */
function feature(object: protobuf.ReflectionObject, name: string): unknown {
  const features: unknown = Reflect.get(object, '_features');
  return typeof features === 'object' && features !== null ? Reflect.get(features, name) : undefined;
}

function hasPresence(field: protobuf.Field): boolean {
  return (
    field.resolvedType instanceof protobuf.Type ||
    field.partOf !== null ||
    feature(field, 'field_presence') !== 'IMPLICIT'
  );
}

function jsonNameOf(field: protobuf.Field): string {
  return field.jsonName ?? field.name;
}

function defaultOf(field: protobuf.Field): string | null {
  const said: unknown = field.getOption('default');
  return typeof said === 'string' || typeof said === 'number' || typeof said === 'boolean'
    ? JSON.stringify(said.toString())
    : null;
}

/** The parser says a line at the end of its message. */
function placeInError(file: string, thrown: unknown): Place | null {
  const line = /line (\d+)\)$/.exec(errorText(thrown))?.[1];
  return line === undefined ? null : { file, line: Number(line), column: 1 };
}
