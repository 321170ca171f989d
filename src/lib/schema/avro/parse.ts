/** Reads Avro's JSON schemas (specification 1.12), with the place of everything that is wrong in one. */
import { errorText } from '../../errors.ts';
import type { SchemaSource } from '../engine.ts';
import { InvalidSchemaError } from '../errors.ts';
import { placeOfOffset, placeOfPointer, pointerTo } from '../json-pointer.ts';
import { maxDecimalBytes, maxDigits } from './decimal.ts';
import {
  isNamed,
  primitiveKinds,
  type AvroField,
  type AvroRecord,
  type AvroType,
  type LogicalType,
  type NamedType,
  type Origin,
  type PrimitiveKind,
} from './model.ts';

type Definition = Readonly<Record<string, unknown>>;

const nameForm = /^[A-Za-z_][A-Za-z0-9_]*$/;
const fullNameForm = /^([A-Za-z_][A-Za-z0-9_]*\.)*[A-Za-z_][A-Za-z0-9_]*$/;
/** Deeper than anybody writes, and not too deep for the stack. */
const maxDepth = 500;

/** Throws `InvalidSchemaError`. */
export function parseAvro(source: SchemaSource): AvroType {
  const named = new Map<string, NamedType>();
  const seen = new Set<string>();
  const load = (one: SchemaSource): AvroType => {
    for (const reference of one.references) {
      if (seen.has(reference.source.name)) continue;
      seen.add(reference.source.name);
      load(reference.source);
    }
    return new Reader(one, named).read(readDocument(one), '', '', 0);
  };
  return load(source);
}

function readDocument({ name, text }: SchemaSource): unknown {
  try {
    const document: unknown = JSON.parse(text);
    return document;
  } catch (error) {
    // A schema may be one word, as the tools of the field take it: int
    const word = text.trim();
    if (primitiveKinds.some((kind) => kind === word)) return word;
    const reason = errorText(error);
    const offset = /position (\d+)/.exec(reason)?.[1];
    const place = offset === undefined ? null : placeOfOffset(name, text, Number(offset));
    throw new InvalidSchemaError(name, `it is no JSON: ${reason.replace(/ \(line .*\)$/, '')}`, place);
  }
}

class Reader {
  readonly #source: SchemaSource;
  readonly #named: Map<string, NamedType>;

  constructor(source: SchemaSource, named: Map<string, NamedType>) {
    this.#source = source;
    this.#named = named;
  }

  read(definition: unknown, pointer: string, namespace: string, depth: number): AvroType {
    if (depth > maxDepth) return this.#refuse(pointer, `it nests deeper than ${maxDepth.toString()} levels`);
    if (typeof definition === 'string') return this.#byName(definition, pointer, namespace);
    if (Array.isArray(definition)) return this.#union(definition, pointer, namespace, depth);
    if (!isDefinition(definition)) return this.#refuse(pointer, 'a type is a name, an object or an array');
    const { type } = definition;
    switch (type) {
      case 'record':
      case 'error':
        return this.#record(definition, pointer, namespace, depth);
      case 'enum':
        return this.#enum(definition, pointer, namespace);
      case 'fixed':
        return this.#fixed(definition, pointer, namespace);
      case 'array': {
        const items = this.#inner(definition, 'items', pointer, namespace, depth);
        return { kind: 'array', items, origin: this.#at(pointer) };
      }
      case 'map': {
        const values = this.#inner(definition, 'values', pointer, namespace, depth);
        return { kind: 'map', values, origin: this.#at(pointer) };
      }
      case undefined:
        return this.#refuse(pointer, 'a type object has a "type"');
      default:
        return this.#wrapped(definition, type, pointer, namespace, depth);
    }
  }

  /** `{"type": "long", "logicalType": …}`, and `{"type": {…}}`, which the field's tools accept. */
  #wrapped(
    definition: Definition,
    type: unknown,
    pointer: string,
    namespace: string,
    depth: number,
  ): AvroType {
    const inner = this.read(type, pointerTo(pointer, 'type'), namespace, depth + 1);
    if (inner.kind === 'union' || isNamed(inner) || inner.kind === 'array' || inner.kind === 'map')
      return inner;
    const logical = logicalOf(definition, inner.kind, null);
    return logical === null && inner.logical !== null
      ? inner
      : { kind: inner.kind, logical, origin: this.#at(pointer) };
  }

  #byName(name: string, pointer: string, namespace: string): AvroType {
    const kind = primitiveOf(name);
    if (kind !== null) return { kind, logical: null, origin: this.#at(pointer) };
    const full = name.includes('.') || namespace === '' ? name : `${namespace}.${name}`;
    // A name without a namespace may also be one of no namespace: references are registered so.
    const found = this.#named.get(full) ?? this.#named.get(name);
    if (found !== undefined) return found;
    return this.#refuse(pointer, `no type "${full}" is defined before it`, {
      hint: 'a named type is defined where it is used first, or in a schema that is referred to',
    });
  }

  #union(branches: readonly unknown[], pointer: string, namespace: string, depth: number): AvroType {
    const seen = new Set<string>();
    const read = branches.map((branch, index) => {
      const at = pointerTo(pointer, index);
      const type = this.read(branch, at, namespace, depth + 1);
      if (type.kind === 'union') return this.#refuse(at, 'a union may not stand directly in a union');
      const name = isNamed(type) ? type.name : type.kind;
      if (seen.has(name)) return this.#refuse(at, `a union may hold "${name}" only once`);
      seen.add(name);
      return type;
    });
    return { kind: 'union', branches: read, origin: this.#at(pointer) };
  }

  #record(definition: Definition, pointer: string, namespace: string, depth: number): AvroRecord {
    const names = this.#names(definition, pointer, namespace);
    const record: AvroRecord = { kind: 'record', fields: [], origin: this.#at(pointer), ...names };
    this.#define(record, pointer);
    const { fields } = definition;
    if (!Array.isArray(fields))
      return this.#refuse(pointer, `the record "${record.name}" has no list of fields`);
    const inner = namespaceOf(record.name);
    const seen = new Set<string>();
    for (const [index, field] of fields.entries()) {
      const read = this.#field(field, pointerTo(pointerTo(pointer, 'fields'), index), inner, depth);
      if (seen.has(read.name))
        return this.#refuse(read.origin.pointer, `the record has two fields "${read.name}"`);
      seen.add(read.name);
      record.fields.push(read);
    }
    return record;
  }

  #field(definition: unknown, pointer: string, namespace: string, depth: number): AvroField {
    if (!isDefinition(definition)) return this.#refuse(pointer, 'a field is an object');
    const { name } = definition;
    if (typeof name !== 'string' || !nameForm.test(name))
      return this.#refuse(pointer, `${JSON.stringify(name ?? null)} is no name of a field`);
    const type = this.#inner(definition, 'type', pointer, namespace, depth);
    const field: AvroField = {
      name,
      aliases: this.#aliases(definition, pointer),
      type,
      origin: this.#at(pointer),
    };
    return 'default' in definition ? { ...field, default: definition['default'] } : field;
  }

  #enum(definition: Definition, pointer: string, namespace: string): AvroType {
    const { symbols } = definition;
    if (!isTexts(symbols)) return this.#refuse(pointer, 'an enum has a list of symbols');
    const seen = new Set<string>();
    for (const [index, symbol] of symbols.entries()) {
      const at = pointerTo(pointerTo(pointer, 'symbols'), index);
      if (!nameForm.test(symbol)) return this.#refuse(at, `"${symbol}" cannot be a symbol`);
      if (seen.has(symbol)) return this.#refuse(at, `the symbol "${symbol}" stands twice`);
      seen.add(symbol);
    }
    const fallback = definition['default'] ?? null;
    if (fallback !== null && (typeof fallback !== 'string' || !symbols.includes(fallback)))
      return this.#refuse(pointerTo(pointer, 'default'), 'the default of an enum is one of its symbols');
    return this.#define(
      {
        kind: 'enum',
        symbols,
        default: fallback,
        origin: this.#at(pointer),
        ...this.#names(definition, pointer, namespace),
      },
      pointer,
    );
  }

  #fixed(definition: Definition, pointer: string, namespace: string): AvroType {
    const { size } = definition;
    if (typeof size !== 'number' || !Number.isSafeInteger(size) || size < 0)
      return this.#refuse(pointer, 'a fixed has a size, a whole number of bytes');
    return this.#define(
      {
        kind: 'fixed',
        size,
        logical: logicalOf(definition, 'fixed', size),
        origin: this.#at(pointer),
        ...this.#names(definition, pointer, namespace),
      },
      pointer,
    );
  }

  #inner(definition: Definition, key: string, pointer: string, namespace: string, depth: number): AvroType {
    if (!(key in definition)) return this.#refuse(pointer, `"${key}" is missing`);
    return this.read(definition[key], pointerTo(pointer, key), namespace, depth + 1);
  }

  #names(definition: Definition, pointer: string, namespace: string) {
    const { name } = definition;
    const given = definition['namespace'];
    if (typeof name !== 'string' || !fullNameForm.test(name))
      return this.#refuse(pointer, `${JSON.stringify(name ?? null)} is no name of a type`);
    if (given !== undefined && given !== null && typeof given !== 'string')
      return this.#refuse(pointerTo(pointer, 'namespace'), 'a namespace is a text');
    const space = given ?? namespace;
    const full = name.includes('.') || space === '' ? name : `${space}.${name}`;
    if (primitiveOf(full) !== null) return this.#refuse(pointer, `"${full}" is the name of a primitive type`);
    const own = namespaceOf(full);
    const aliases = this.#aliases(definition, pointer).map((alias) =>
      alias.includes('.') || own === '' ? alias : `${own}.${alias}`,
    );
    return { name: full, aliases };
  }

  #aliases(definition: Definition, pointer: string): readonly string[] {
    const aliases = definition['aliases'] ?? [];
    return isTexts(aliases)
      ? aliases
      : this.#refuse(pointerTo(pointer, 'aliases'), 'aliases are a list of names');
  }

  #define<Type extends NamedType>(type: Type, pointer: string): Type {
    if (this.#named.has(type.name)) return this.#refuse(pointer, `"${type.name}" is defined twice`);
    this.#named.set(type.name, type);
    return type;
  }

  #at(pointer: string): Origin {
    return { source: this.#source, pointer };
  }

  #refuse(pointer: string, reason: string, details?: { readonly hint: string }): never {
    const { name, text } = this.#source;
    throw new InvalidSchemaError(name, reason, placeOfPointer(name, text, pointer), details);
  }
}

function isDefinition(value: unknown): value is Definition {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function isTexts(value: unknown): value is readonly string[] {
  return Array.isArray(value) && value.every((item) => typeof item === 'string');
}

function primitiveOf(name: string): PrimitiveKind | null {
  return primitiveKinds.find((kind) => kind === name) ?? null;
}

function namespaceOf(name: string): string {
  return name.slice(0, Math.max(0, name.lastIndexOf('.')));
}

/** What each logical type stands on. One that stands on something else, or is itself invalid, is ignored. */
const logicalBases: ReadonlyMap<string, readonly (PrimitiveKind | 'fixed')[]> = new Map([
  ['decimal', ['bytes', 'fixed']],
  ['big-decimal', ['bytes']],
  ['uuid', ['string', 'fixed']],
  ['date', ['int']],
  ['time-millis', ['int']],
  ['time-micros', ['long']],
  ['timestamp-millis', ['long']],
  ['timestamp-micros', ['long']],
  ['timestamp-nanos', ['long']],
  ['local-timestamp-millis', ['long']],
  ['local-timestamp-micros', ['long']],
  ['local-timestamp-nanos', ['long']],
  ['duration', ['fixed']],
]);

function logicalOf(
  definition: Definition,
  base: PrimitiveKind | 'fixed',
  size: number | null,
): LogicalType | null {
  const name = definition['logicalType'];
  if (typeof name !== 'string' || logicalBases.get(name)?.includes(base) !== true) return null;
  if (name === 'duration' && size !== 12) return null;
  if (name === 'uuid' && size !== null && size !== 16) return null;
  if (name !== 'decimal') return { name, precision: null, scale: null };
  const { precision, scale = 0 } = definition;
  const isCount = (value: unknown): value is number => typeof value === 'number' && Number.isInteger(value);
  if (!isCount(precision) || !isCount(scale) || precision < 1 || scale < 0 || scale > precision) return null;
  if (precision > maxDigits || (size ?? 0) > maxDecimalBytes) return null;
  if (size !== null && precision > Math.floor(Math.log10(2) * (8 * size - 1))) return null;
  return { name, precision, scale };
}
