import type { JsonValue } from '../../message/record.ts';
import { pointerTo } from '../json-pointer.ts';
import type { Conjunction, Node } from './conjunction.ts';
import { isObject } from './document.ts';

/** What could not be proved: a keyword of the reader that the writer does not imply. */
export interface OpenObligation {
  /** The keyword that the reader demands. */
  readonly keyword: string;
  readonly readerPointer: string;
  readonly writerPointer: string;
  readonly readerValue: JsonValue | undefined;
}

/**
 * The pointers lead to the keyword where it stands, else to the schema around. The writer's is that of the first of the branch
 * which has the keyword, else of the first one.
 */
export function obligation(keyword: string, reader: Node, branch: Conjunction): OpenObligation {
  const value = isObject(reader.schema) ? reader.schema[keyword] : reader.schema;
  const holds = branch.find(({ schema }) => isObject(schema) && keyword in schema) ?? branch[0];
  return {
    keyword,
    readerPointer:
      isObject(reader.schema) && keyword in reader.schema
        ? pointerTo(reader.pointer, keyword)
        : reader.pointer,
    writerPointer:
      holds === undefined
        ? ''
        : isObject(holds.schema) && keyword in holds.schema
          ? pointerTo(holds.pointer, keyword)
          : holds.pointer,
    readerValue: value,
  };
}
