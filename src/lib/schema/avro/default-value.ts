import type { JsonValue } from '../../message/record.ts';
import { decimalText, maxDecimalBytes } from './decimal.ts';
import { innerTypes, type AvroType } from './model.ts';
import { ofBranch } from './union-shape.ts';

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

/**
 * A default that fits as values of the type are shown elsewhere: decimals as such, and of a union the branch that it is of. What
 * a record's default leaves out is not there: the defaults of records that hold one another may have no end.
 */
export function defaultAsRead(type: AvroType, value: unknown): JsonValue {
  switch (type.kind) {
    case 'union': {
      const branch = type.branches.find((candidate) => defaultFits(candidate, value));
      return branch === undefined ? null : ofBranch(type, branch, defaultAsRead(branch, value));
    }
    case 'array':
      return Array.isArray(value) ? value.map((item) => defaultAsRead(type.items, item)) : null;
    case 'map':
      return isObject(value)
        ? Object.fromEntries(
            Object.entries(value).map(([key, item]) => [key, defaultAsRead(type.values, item)]),
          )
        : null;
    case 'record':
      return isObject(value)
        ? Object.fromEntries(
            type.fields
              .filter(({ name }) => Object.hasOwn(value, name))
              .map((field) => [field.name, defaultAsRead(field.type, value[field.name])]),
          )
        : null;
    case 'bytes':
    case 'fixed':
      return typeof value === 'string' && type.logical?.name === 'decimal' && value.length <= maxDecimalBytes
        ? decimalText(Buffer.from(value, 'latin1'), type.logical.scale ?? 0)
        : plain(value);
    case 'null':
    case 'boolean':
    case 'int':
    case 'long':
    case 'float':
    case 'double':
    case 'string':
    case 'enum':
      return plain(value);
  }
}

const mostInDefaults = 50_000;

/** Whether records that leave out what has a default hold, written out, more than a codec should be asked to make. */
export function defaultsHoldTooMuch(root: AvroType): boolean {
  const sizes = new Map<AvroType, number>();
  const sizeOf = (type: AvroType): number => {
    const known = sizes.get(type);
    if (known !== undefined) return known;
    sizes.set(type, Infinity); // for where it is met again within itself
    const fields = type.kind === 'record' ? type.fields.filter((field) => 'default' in field) : [];
    const size = fields.reduce(
      (sum, field) => sum + (field.type.kind === 'record' ? sizeOf(field.type) : 1),
      1,
    );
    sizes.set(type, size);
    return size;
  };
  const open = [root];
  const seen = new Set(open);
  // It grows while it is walked.
  for (const type of open) {
    if (sizeOf(type) > mostInDefaults) return true;
    for (const inner of innerTypes(type)) {
      if (seen.has(inner)) continue;
      seen.add(inner);
      open.push(inner);
    }
  }
  return false;
}

function plain(value: unknown): JsonValue {
  return typeof value === 'string' || typeof value === 'number' || typeof value === 'boolean' ? value : null;
}

function isObject(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
