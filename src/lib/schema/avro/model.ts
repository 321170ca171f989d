/** An Avro schema as the checker reads it: every node knows where it stands in which document. */
import type { SchemaSource } from '../engine.ts';

/** Where a node stands: by reference schemas a type may come from another document than the one that uses it. */
export interface Origin {
  readonly source: SchemaSource;
  readonly pointer: string;
}

export const primitiveKinds = [
  'null',
  'boolean',
  'int',
  'long',
  'float',
  'double',
  'bytes',
  'string',
] as const;
export type PrimitiveKind = (typeof primitiveKinds)[number];

export interface AvroPrimitive {
  readonly kind: PrimitiveKind;
  readonly origin: Origin;
  readonly logical: LogicalType | null;
}

export interface AvroRecord extends Named {
  readonly kind: 'record';
  /** Filled after the record's name is known, since fields may refer to it. */
  readonly fields: AvroField[];
}

export interface AvroField {
  readonly name: string;
  readonly aliases: readonly string[];
  readonly type: AvroType;
  /** Absent where there is none: null is a default, too. */
  readonly default?: unknown;
  readonly origin: Origin;
}

export interface AvroEnum extends Named {
  readonly kind: 'enum';
  readonly symbols: readonly string[];
  readonly default: string | null;
}

export interface AvroFixed extends Named {
  readonly kind: 'fixed';
  readonly size: number;
  readonly logical: LogicalType | null;
}

export interface AvroArray {
  readonly kind: 'array';
  readonly items: AvroType;
  readonly origin: Origin;
}

export interface AvroMap {
  readonly kind: 'map';
  readonly values: AvroType;
  readonly origin: Origin;
}

export interface AvroUnion {
  readonly kind: 'union';
  readonly branches: readonly AvroType[];
  readonly origin: Origin;
}

/** What has a name, and may be referred to by it. */
interface Named {
  /** With its namespace. */
  readonly name: string;
  /** Full names. */
  readonly aliases: readonly string[];
  readonly origin: Origin;
}

export type AvroType = AvroPrimitive | AvroRecord | AvroEnum | AvroFixed | AvroArray | AvroMap | AvroUnion;
export type NamedType = AvroRecord | AvroEnum | AvroFixed;

/** A logical type that is valid where it stands; others are ignored, as the specification says. */
export interface LogicalType {
  readonly name: string;
  /** Of a decimal. */
  readonly precision: number | null;
  readonly scale: number | null;
}

/** Whether it is a record, an enum or a fixed: no other type has a name. */
export function isNamed(type: AvroType): type is NamedType {
  return type.kind === 'record' || type.kind === 'enum' || type.kind === 'fixed';
}

/** `Order` of `com.shop.Order`: the specification compares names of readers and writers without their namespace. */
export function unqualified(name: string): string {
  return name.slice(name.lastIndexOf('.') + 1);
}

/** How a branch of a union is called in Avro's JSON: its full name, or its kind. */
export function branchName(type: AvroType): string {
  return isNamed(type) ? type.name : type.kind;
}

/** For people: `record com.shop.Order`, `long`, `union of null, string`. */
export function describeType(type: AvroType): string {
  if (isNamed(type)) return `${type.kind} ${type.name}`;
  if (type.kind === 'union') return `union of ${type.branches.map(branchName).join(', ') || 'nothing'}`;
  if (type.kind === 'array') return `array of ${branchName(type.items)}`;
  if (type.kind === 'map') return `map of ${branchName(type.values)}`;
  return type.logical === null ? type.kind : `${type.kind} (${type.logical.name})`;
}

/** The types directly inside. */
export function innerTypes(type: AvroType): readonly AvroType[] {
  switch (type.kind) {
    case 'record':
      return type.fields.map((field) => field.type);
    case 'union':
      return type.branches;
    case 'array':
      return [type.items];
    case 'map':
      return [type.values];
    case 'null':
    case 'boolean':
    case 'int':
    case 'long':
    case 'float':
    case 'double':
    case 'bytes':
    case 'string':
    case 'enum':
    case 'fixed':
      return [];
  }
}

/** Whether its values hold others. */
export function isComposed(type: AvroType): type is AvroRecord | AvroArray | AvroMap | AvroUnion {
  return type.kind === 'record' || type.kind === 'array' || type.kind === 'map' || type.kind === 'union';
}

/** Whether values may be nested in more levels than these; in any number of them where a value may hold one of its own type. */
export function mayNestDeeper(root: AvroType, levels: number): boolean {
  const depths = new Map<AvroType, number>();
  const depthOf = (type: AvroType): number => {
    const known = depths.get(type);
    if (known !== undefined) return known;
    depths.set(type, Infinity); // for where it is met again within itself
    const within = innerTypes(type).reduce((deepest, inner) => Math.max(deepest, depthOf(inner)), 0);
    const depth = within + (isComposed(type) ? 1 : 0);
    depths.set(type, depth);
    return depth;
  };
  return depthOf(root) > levels;
}

/** How many of its fields may take no byte: records within records can have more of these than any memory holds. */
export function emptyFieldsOf({ fields }: AvroRecord, known: Map<AvroType, boolean>): number {
  return fields.filter((field) => mayBeEmpty(field.type, known)).length;
}

/** Whether a value may take no byte at all, as nulls do. */
export function mayBeEmpty(type: AvroType, known: Map<AvroType, boolean> = new Map()): boolean {
  if (type.kind === 'null') return true;
  if (type.kind === 'fixed') return type.size === 0;
  if (type.kind !== 'record') return false;
  const said = known.get(type);
  if (said !== undefined) return said;
  known.set(type, false); // one that always holds itself has no end
  const isEmpty = type.fields.every((field) => mayBeEmpty(field.type, known));
  known.set(type, isEmpty);
  return isEmpty;
}
