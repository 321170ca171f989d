import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { readProto } from '../../src/lib/schema/protobuf/read-proto.ts';
import type { NamedFile } from '../../src/lib/schema/protobuf/spots.ts';

/** Buf's rules about the wire and the JSON form. The rest of its rules are about sources, options and services. */
export const dataRules: ReadonlySet<string> = new Set([
  'ENUM_SAME_TYPE',
  'ENUM_VALUE_NO_DELETE',
  'ENUM_VALUE_NO_DELETE_UNLESS_NAME_RESERVED',
  'ENUM_VALUE_NO_DELETE_UNLESS_NUMBER_RESERVED',
  'ENUM_VALUE_SAME_NAME',
  'FIELD_NO_DELETE',
  'FIELD_NO_DELETE_UNLESS_NAME_RESERVED',
  'FIELD_NO_DELETE_UNLESS_NUMBER_RESERVED',
  'FIELD_SAME_CARDINALITY',
  'FIELD_SAME_DEFAULT',
  'FIELD_SAME_JSON_NAME',
  'FIELD_SAME_NAME',
  'FIELD_SAME_ONEOF',
  'FIELD_SAME_TYPE',
  'FIELD_WIRE_COMPATIBLE_CARDINALITY',
  'FIELD_WIRE_COMPATIBLE_TYPE',
  'FIELD_WIRE_JSON_COMPATIBLE_CARDINALITY',
  'FIELD_WIRE_JSON_COMPATIBLE_TYPE',
  'MESSAGE_NO_DELETE',
  'MESSAGE_SAME_REQUIRED_FIELDS',
  'PACKAGE_MESSAGE_NO_DELETE',
]);

/** Where buf finds a break, in the current files; the line is 0 where it names a file only. */
export interface BufAnnotation {
  readonly directory: string;
  readonly rule: string;
  readonly file: string;
  readonly line: number;
}

const folder = join(import.meta.dirname, 'protobuf');

export function bufAnnotations(): BufAnnotation[] {
  const sets: unknown = JSON.parse(readFileSync(join(folder, 'expected-annotations.json'), 'utf8'));
  return list(sets).flatMap((set) =>
    list(member(set, 'annotations')).flatMap((annotation) => {
      const rule = String(member(annotation, 'rule'));
      const [line] = list(member(annotation, 'start') ?? []);
      if (!dataRules.has(rule)) return [];
      return [
        {
          directory: String(member(set, 'dir')),
          rule,
          file: String(member(annotation, 'file')),
          line: typeof line === 'number' ? line : 0,
        },
      ];
    }),
  );
}

/** All files of a directory as one: buf compares whole modules, in which messages move between files. */
export function bufModule(side: 'previous' | 'current', directory: string): NamedFile {
  const path = join(folder, side, directory);
  const names = existsSync(path) ? readdirSync(path).toSorted() : [];
  const references = names.map((name) => ({
    name,
    source: { name, text: readFileSync(join(path, name), 'utf8'), references: [] },
  }));
  const files = references.map(({ name, source }) =>
    readProto({ ...source, references: references.filter((other) => other.name !== name) }),
  );
  return {
    name: directory,
    file: {
      packageName: '',
      packagePlace: null,
      messages: files.flatMap(({ messages }) => messages),
      enums: files.flatMap(({ enums }) => enums),
      methods: files.flatMap(({ methods }) => methods),
    },
  };
}

export interface BufDeviation extends BufAnnotation {
  readonly reason: string;
}

export function bufDeviations(): BufDeviation[] {
  const deviations: unknown = JSON.parse(readFileSync(join(folder, 'deviations.json'), 'utf8'));
  return list(deviations).map((deviation) => ({
    directory: String(member(deviation, 'directory')),
    rule: String(member(deviation, 'rule')),
    file: String(member(deviation, 'file')),
    line: Number(member(deviation, 'line')),
    reason: String(member(deviation, 'reason')),
  }));
}

function list(value: unknown): unknown[] {
  if (!Array.isArray(value)) throw new Error('the corpus has something else where a list is expected');
  return value;
}

function member(value: unknown, name: string): unknown {
  return typeof value === 'object' && value !== null ? Reflect.get(value, name) : undefined;
}
