/** The groups in which Confluent's registry takes one type for another. */
import type { FieldKind, ScalarName } from './model.ts';

export type ConfluentKind = 'scalar' | 'message' | 'map';

/** An enum is a number there. */
export function confluentKind(type: FieldKind): ConfluentKind {
  return type.kind === 'enum' ? 'scalar' : type.kind;
}

/**
 * Whether the registry takes one for the other, as it does with `int32` and `bool`; an enum is a number. True, too, where neither
 * is a scalar or an enum.
 */
export function sameScalarGroup(one: FieldKind, other: FieldKind): boolean {
  return scalarGroup(one) === scalarGroup(other);
}

const groups: Readonly<Record<ScalarName, string>> = {
  int32: 'number',
  int64: 'number',
  uint32: 'number',
  uint64: 'number',
  bool: 'number',
  sint32: 'zigzag',
  sint64: 'zigzag',
  string: 'text or bytes',
  bytes: 'text or bytes',
  fixed32: '4 bytes',
  sfixed32: '4 bytes',
  fixed64: '8 bytes',
  sfixed64: '8 bytes',
  float: 'float',
  double: 'double',
};

function scalarGroup(type: FieldKind): string | null {
  if (type.kind === 'enum') return 'number';
  return type.kind === 'scalar' ? groups[type.scalar] : null;
}
