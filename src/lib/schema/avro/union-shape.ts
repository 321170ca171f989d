import type { JsonValue } from '../../message/record.ts';
import { branchName, type AvroType, type AvroUnion } from './model.ts';

type Shape = 'null' | 'boolean' | 'number' | 'text' | 'list' | 'object';

/** What its values look like in JSON. A long is text, too, where a number would be rounded. */
function shapesOf(type: AvroType): readonly Shape[] {
  switch (type.kind) {
    case 'null':
      return ['null'];
    case 'boolean':
      return ['boolean'];
    case 'int':
    case 'float':
    case 'double':
      return ['number'];
    case 'long':
      return ['number', 'text'];
    case 'bytes':
    case 'string':
    case 'enum':
    case 'fixed':
      return ['text'];
    case 'array':
      return ['list'];
    case 'map':
    case 'record':
      return ['object'];
    case 'union':
      return [];
  }
}

/** Whether the JSON of a value alone does not say of which branch it is: then it is written `{"branch": value}`. */
export function isAmbiguous({ branches }: AvroUnion): boolean {
  const seen = new Set<Shape>();
  for (const branch of branches)
    for (const shape of shapesOf(branch)) {
      if (seen.has(shape)) return true;
      seen.add(shape);
    }
  return false;
}

/** The branch that `{"name": value}` names: by its full name, or by the name alone where only one has it. */
export function branchNamed({ branches }: AvroUnion, name: string): number | null {
  const exact = branches.findIndex((branch) => branchName(branch) === name);
  if (exact !== -1) return exact;
  const alike = [...branches.keys()].filter((index) => {
    const branch = branches[index];
    return branch !== undefined && branchName(branch).endsWith(`.${name}`);
  });
  return alike.length === 1 ? (alike[0] ?? null) : null;
}

/** The JSON of a value of that branch: within the branch's name where the value alone would not say it. */
export function ofBranch(union: AvroUnion, branch: AvroType, value: JsonValue): JsonValue {
  return value === null || !isAmbiguous(union) ? value : { [branchName(branch)]: value };
}
