import type { SchemaElement } from '../engine.ts';
import { isNamed, type AvroField, type AvroType, type LogicalType, type NamedType } from './model.ts';

/** The named types with their fields, each once; a schema without a name is one element. */
export function avroElements(root: AvroType): readonly SchemaElement[] {
  const found = new Map<string, SchemaElement>();
  const add = (key: string, description: string, path = key): void => {
    found.set(key, { key, path, description });
  };
  if (!isNamed(root)) add('', typeText(root));
  const open: AvroType[] = [root];
  // It grows while it is walked.
  for (const type of open) {
    if (isNamed(type)) {
      if (found.has(type.name)) continue;
      add(type.name, namedText(type));
    }
    if (type.kind === 'record')
      for (const field of type.fields) {
        // No key of a type: a namespace may be called as a record is.
        add(`${type.name} ${field.name}`, fieldText(field), `${type.name}.${field.name}`);
        open.push(field.type);
      }
    else if (type.kind === 'union') open.push(...type.branches);
    else if (type.kind === 'array') open.push(type.items);
    else if (type.kind === 'map') open.push(type.values);
  }
  return [...found.values()];
}

function namedText(type: NamedType): string {
  const aliases = type.aliases.length === 0 ? '' : `, once ${type.aliases.join(', ')}`;
  if (type.kind === 'record') return `record${aliases}`;
  if (type.kind === 'fixed')
    return `fixed of ${type.size.toString()} bytes${logicalText(type.logical)}${aliases}`;
  const other = type.default === null ? '' : `, else ${type.default}`;
  return `enum of ${type.symbols.join(', ')}${other}${aliases}`;
}

function fieldText(field: AvroField): string {
  const aliases = field.aliases.length === 0 ? '' : `, once ${field.aliases.join(', ')}`;
  const other = field.default === undefined ? '' : `, default ${JSON.stringify(field.default)}`;
  return `${typeText(field.type)}${other}${aliases}`;
}

/** A type where it is used: what has a name by its name. */
function typeText(type: AvroType): string {
  if (isNamed(type)) return type.name;
  if (type.kind === 'union') return `union of ${type.branches.map(typeText).join(', ') || 'nothing'}`;
  if (type.kind === 'array') return `array of (${typeText(type.items)})`;
  if (type.kind === 'map') return `map of (${typeText(type.values)})`;
  return `${type.kind}${logicalText(type.logical)}`;
}

function logicalText(logical: LogicalType | null): string {
  if (logical === null) return '';
  const { name, precision, scale } = logical;
  return precision === null
    ? ` (${name})`
    : ` (${name} of precision ${precision.toString()}, scale ${(scale ?? 0).toString()})`;
}
