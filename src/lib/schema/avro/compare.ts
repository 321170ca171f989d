/**
 * What a reader cannot read of what a writer writes, by the specification's schema resolution. The codes are those of the
 * reference (Java's SchemaCompatibility, which both registries ask), with two differences: the cause inside a union is
 * kept, and what the reference ignores although the specification does not (decimals, logical types) is compared.
 */
import type { Dialect, Difference, Spot } from '../finding.ts';
import { pointerTo } from '../json-pointer.ts';
import {
  branchName,
  describeType,
  isNamed,
  unqualified,
  type AvroEnum,
  type AvroField,
  type AvroFixed,
  type AvroRecord,
  type AvroType,
  type AvroUnion,
  type LogicalType,
  type NamedType,
  type Origin,
} from './model.ts';
import { spotAt } from './spot.ts';

/** The way to a spot through a value of the writer. */
export type Step =
  | { readonly into: 'field'; readonly name: string }
  | { readonly into: 'branch'; readonly index: number }
  | { readonly into: 'items' | 'values' };

export class AvroDifference implements Difference {
  readonly code: string;
  readonly message: string;
  readonly reader: Spot;
  readonly writer: Spot;
  readonly rejectedBy: Partial<Readonly<Record<Dialect, string>>>;
  readonly data = 'may-break';
  readonly suggestion: string | null;
  /** Not part of the report. */
  readonly #trail: readonly Step[];

  constructor(found: Found, rejectedBy: Partial<Readonly<Record<Dialect, string>>>, trail: readonly Step[]) {
    this.code = found.code;
    this.message = found.message;
    this.reader = found.reader;
    this.writer = found.writer;
    this.suggestion = found.suggestion;
    this.rejectedBy = rejectedBy;
    this.#trail = trail;
  }

  /** How a value has to be built to come to it. */
  get trail(): readonly Step[] {
    return this.#trail;
  }
}

type Found = Pick<Difference, 'code' | 'message' | 'reader' | 'writer' | 'suggestion'>;

/** None: the reader reads all that the writer writes. What a pair of types has between them is told where it is met first. */
export function compareAvro(reader: AvroType, writer: AvroType): readonly AvroDifference[] {
  const comparing = new Comparing();
  comparing.compare(reader, writer, null);
  return comparing.differences;
}

/** Whether names match: unqualified, or by an alias of the reader. */
export function namesMatch(reader: NamedType, writer: NamedType): boolean {
  if (unqualified(reader.name) === unqualified(writer.name)) return true;
  return reader.aliases.some(
    (alias) => alias === writer.name || unqualified(alias) === unqualified(writer.name),
  );
}

/** The writer's field that a field of the reader takes its value from: by its name, else by an alias. */
export function fieldFor(field: AvroField, writer: AvroRecord): AvroField | null {
  const fields = fieldsByName(writer);
  const named = fields.get(field.name);
  if (named !== undefined) return named;
  for (const alias of field.aliases) {
    const aliased = fields.get(alias);
    if (aliased !== undefined) return aliased;
  }
  return null;
}

const fieldMaps = new WeakMap<AvroRecord, ReadonlyMap<string, AvroField>>();

function fieldsByName(record: AvroRecord): ReadonlyMap<string, AvroField> {
  const known = fieldMaps.get(record);
  if (known !== undefined) return known;
  const fields = new Map(record.fields.map((field) => [field.name, field]));
  fieldMaps.set(record, fields);
  return fields;
}

const promotions: Readonly<Record<string, readonly string[]>> = {
  int: ['long', 'float', 'double'],
  long: ['float', 'double'],
  float: ['double'],
  string: ['bytes'],
  bytes: ['string'],
};

/** Whether a value of the writer's primitive is read as the reader's by the specification. */
export function promotes(writer: string, reader: string): boolean {
  return promotions[writer]?.includes(reader) === true;
}

/** The branch of a reader's union that takes what the writer's type writes, ignoring what is inside: null where none. */
export function branchFor(reader: AvroUnion, writer: AvroType): AvroType | null {
  const same = reader.branches.find(
    (branch) =>
      branch.kind === writer.kind && (!isNamed(branch) || !isNamed(writer) || branch.name === writer.name),
  );
  if (same !== undefined) return same;
  const named = reader.branches.find(
    (branch) =>
      isNamed(branch) && isNamed(writer) && branch.kind === writer.kind && namesMatch(branch, writer),
  );
  return named ?? reader.branches.find((branch) => promotes(writer.kind, branch.kind)) ?? null;
}

class Comparing {
  readonly differences: AvroDifference[] = [];
  readonly #trail: Step[] = [];
  /** Pairs that were begun: a recursive one is taken for compatible where it is met again. */
  readonly #begun = new Map<AvroType, Set<AvroType>>();

  /** `within` is the rule by which a registry rejects the union around it: it knows no other cause. */
  compare(reader: AvroType, writer: AvroType, within: string | null): void {
    if (this.#isBegun(reader, writer)) return;
    if (writer.kind === 'union') {
      // Each branch may be what was written.
      for (const [index, branch] of writer.branches.entries()) {
        const at = { source: writer.origin.source, pointer: pointerTo(writer.origin.pointer, index) };
        this.#into({ into: 'branch', index }, () => {
          if (reader.kind === 'union') this.#compareToUnion(reader, branch, at);
          else this.compare(reader, branch, within);
        });
      }
      return;
    }
    if (reader.kind === 'union') return this.#compareToUnion(reader, writer, writer.origin);
    if (isNamed(reader) && isNamed(writer) && reader.kind === writer.kind)
      return this.#compareNamed(reader, writer, within);
    if (reader.kind === 'array' && writer.kind === 'array')
      return this.#into({ into: 'items' }, () => this.compare(reader.items, writer.items, within));
    if (reader.kind === 'map' && writer.kind === 'map')
      return this.#into({ into: 'values' }, () => this.compare(reader.values, writer.values, within));
    if (reader.kind !== writer.kind && !promotes(writer.kind, reader.kind)) {
      this.#add(within, {
        code: 'TYPE_MISMATCH',
        message: `the reader expects ${describeType(reader)}, and ${describeType(writer)} is written`,
        reader: spotAt(reader.origin),
        writer: spotAt(writer.origin),
        suggestion: widening(reader, writer),
      });
      return;
    }
    this.#compareLogical(reader, writer);
  }

  #isBegun(reader: AvroType, writer: AvroType): boolean {
    const writers = this.#begun.get(reader) ?? new Set();
    if (writers.has(writer)) return true;
    this.#begun.set(reader, writers.add(writer));
    return false;
  }

  #compareToUnion(reader: AvroUnion, writer: AvroType, at: Origin): void {
    const branch = branchFor(reader, writer);
    if (branch !== null) return this.compare(branch, writer, 'MISSING_UNION_BRANCH');
    const alike = reader.branches.filter((candidate) => candidate.kind === writer.kind && isNamed(candidate));
    const renamed =
      isNamed(writer) && alike.length > 0
        ? `; or, where ${describeType(writer)} was renamed, give the new one "aliases": ["${writer.name}"]`
        : '';
    this.#add(null, {
      code: 'MISSING_UNION_BRANCH',
      message: `the reader's ${describeType(reader)} has no branch for ${describeType(writer)}`,
      reader: spotAt(reader.origin),
      writer: spotAt(at),
      suggestion: `add "${branchName(writer)}" to the union of the reader${renamed}`,
    });
  }

  #compareNamed(reader: NamedType, writer: NamedType, within: string | null): void {
    if (!namesMatch(reader, writer)) {
      this.#add(within, {
        code: 'NAME_MISMATCH',
        message: `the reader's ${describeType(reader)} is not the ${describeType(writer)} that is written`,
        reader: spotAt(reader.origin, 'name'),
        writer: spotAt(writer.origin, 'name'),
        suggestion: `give the reader's ${reader.kind} "aliases": ["${writer.name}"], or keep its name`,
      });
      return;
    }
    if (reader.kind === 'record' && writer.kind === 'record') this.#compareRecords(reader, writer, within);
    if (reader.kind === 'enum' && writer.kind === 'enum') this.#compareEnums(reader, writer, within);
    if (reader.kind === 'fixed' && writer.kind === 'fixed') this.#compareFixed(reader, writer, within);
  }

  #compareRecords(reader: AvroRecord, writer: AvroRecord, within: string | null): void {
    for (const field of reader.fields) {
      const written = fieldFor(field, writer);
      if (written !== null) {
        this.#into({ into: 'field', name: written.name }, () =>
          this.compare(field.type, written.type, within),
        );
        continue;
      }
      if ('default' in field) continue;
      this.#add(within, {
        code: 'READER_FIELD_MISSING_DEFAULT_VALUE',
        message: `the reader needs the field "${field.name}", which is not written and has no default`,
        reader: spotAt(field.origin),
        writer: spotAt(writer.origin, 'fields'),
        suggestion: `give "${field.name}" a default: ${defaultFor(field)}`,
      });
    }
  }

  #compareEnums(reader: AvroEnum, writer: AvroEnum, within: string | null): void {
    const known = new Set(reader.symbols);
    const missing = writer.symbols.filter((symbol) => !known.has(symbol));
    if (missing.length === 0 || reader.default !== null) return;
    const [first = ''] = reader.symbols;
    this.#add(within, {
      code: 'MISSING_ENUM_SYMBOLS',
      message: `the reader's enum ${reader.name} has no ${missing.map((symbol) => `"${symbol}"`).join(', ')}`,
      reader: spotAt(reader.origin, 'symbols'),
      writer: spotAt(writer.origin, 'symbols'),
      suggestion: `keep ${missing.map((symbol) => `"${symbol}"`).join(', ')}, or give the reader's enum a default for what it does not know: "default": "${first}"`,
    });
  }

  #compareFixed(reader: AvroFixed, writer: AvroFixed, within: string | null): void {
    if (reader.size !== writer.size) {
      this.#add(within, {
        code: 'FIXED_SIZE_MISMATCH',
        message: `the reader's fixed ${reader.name} has ${reader.size.toString()} bytes, and ${writer.size.toString()} are written`,
        reader: spotAt(reader.origin, 'size'),
        writer: spotAt(writer.origin, 'size'),
        suggestion: 'keep the size, and add a field of another fixed beside it',
      });
      return;
    }
    this.#compareLogical(reader, writer);
  }

  /** Registries look at none of this; a reader takes the same bytes for another value. */
  #compareLogical(reader: AvroType, writer: AvroType): void {
    const [read, written] = [logicalTypeOf(reader), logicalTypeOf(writer)];
    if (read === null || written === null) return;
    if (read.name !== written.name) {
      this.#add(null, {
        code: 'LOGICAL_TYPE_MISMATCH',
        message: `the reader takes for ${read.name} what is written as ${written.name}`,
        reader: spotAt(reader.origin),
        writer: spotAt(writer.origin),
        suggestion: `keep the logical type ${written.name}, and add a field of ${read.name} beside it`,
      });
      return;
    }
    if (read.scale !== written.scale) {
      this.#add(null, {
        code: 'DECIMAL_SCALE_MISMATCH',
        message: `the reader takes a decimal for one of scale ${count(read.scale)}, and scale ${count(written.scale)} is written`,
        reader: spotAt(reader.origin),
        writer: spotAt(writer.origin),
        suggestion: `keep the scale ${count(written.scale)}, and add a field of the other scale beside it`,
      });
      return;
    }
    if ((read.precision ?? 0) >= (written.precision ?? 0)) return;
    this.#add(null, {
      code: 'DECIMAL_PRECISION_MISMATCH',
      message: `the reader's decimal has ${count(read.precision)} digits, and up to ${count(written.precision)} are written`,
      reader: spotAt(reader.origin),
      writer: spotAt(writer.origin),
      suggestion: `keep the precision ${count(written.precision)}`,
    });
  }

  #into(step: Step, compare: () => void): void {
    this.#trail.push(step);
    compare();
    this.#trail.pop();
  }

  /** Both registries ask the reference: they reject by the same rule, or not at all. */
  #add(within: string | null, found: Found): void {
    const rule = within ?? found.code;
    const rejectedBy = referenceRules.has(found.code) ? { confluent: rule, apicurio: rule } : {};
    this.differences.push(new AvroDifference(found, rejectedBy, [...this.#trail]));
  }
}

const referenceRules: ReadonlySet<string> = new Set([
  'NAME_MISMATCH',
  'FIXED_SIZE_MISMATCH',
  'MISSING_ENUM_SYMBOLS',
  'READER_FIELD_MISSING_DEFAULT_VALUE',
  'TYPE_MISMATCH',
  'MISSING_UNION_BRANCH',
]);

function logicalTypeOf(type: AvroType): LogicalType | null {
  return 'logical' in type ? type.logical : null;
}

function count(value: number | null): string {
  return (value ?? 0).toString();
}

function widening(reader: AvroType, writer: AvroType): string {
  if (promotes(reader.kind, writer.kind))
    return `keep "${writer.kind}": a reader of "${writer.kind}" also reads "${reader.kind}", and not the reverse`;
  return `keep ${describeType(writer)}, and add a field of the new type, with a default, beside it`;
}

function defaultFor({ type }: AvroField): string {
  const first = type.kind === 'union' ? type.branches[0] : type;
  const shown = first === undefined ? null : emptyValue(first);
  if (shown !== null) return `"default": ${shown}`;
  return `make it nullable, "type": ["null", ${JSON.stringify(branchName(type))}], "default": null`;
}

function emptyValue(type: AvroType): string | null {
  switch (type.kind) {
    case 'null':
      return 'null';
    case 'boolean':
      return 'false';
    case 'int':
    case 'long':
    case 'float':
    case 'double':
      return '0';
    case 'string':
    case 'bytes':
      return '""';
    case 'array':
      return '[]';
    case 'map':
      return '{}';
    case 'enum':
      return JSON.stringify(type.symbols[0] ?? '');
    case 'union':
    case 'record':
    case 'fixed':
      return null;
  }
}
