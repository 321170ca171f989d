import { type AvroType } from './model.ts';

/**
 * Whether a default of a field, as the schema has it, is a value of the type. Of a union it may be of any branch, as
 * the specification has it since 1.12; bytes are text. A record's default may leave out what has a default itself.
 */
export function defaultFits(type: AvroType, value: unknown): boolean {
  switch (type.kind) {
    case 'null':
      return value === null;
    case 'boolean':
      return typeof value === 'boolean';
    case 'int':
      return Number.isInteger(value) && Number(value) === (Number(value) | 0);
    case 'long':
      return Number.isInteger(value);
    case 'float':
    case 'double':
      return typeof value === 'number';
    case 'bytes':
    case 'string':
      return typeof value === 'string';
    case 'fixed':
      return typeof value === 'string' && value.length === type.size;
    case 'enum':
      return typeof value === 'string' && type.symbols.includes(value);
    case 'array':
      return Array.isArray(value) && value.every((item) => defaultFits(type.items, item));
    case 'map':
      return isObject(value) && Object.values(value).every((item) => defaultFits(type.values, item));
    case 'union':
      return type.branches.some((branch) => defaultFits(branch, value));
    case 'record':
      return (
        isObject(value) &&
        type.fields.every(
          (field) =>
            ('default' in field && !(field.name in value)) || defaultFits(field.type, value[field.name]),
        )
      );
  }
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
