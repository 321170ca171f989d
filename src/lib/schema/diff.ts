/** What lies between two versions of a schema: its elements, and what each version cannot read of the other. */
import { checkSchema, type CheckReport } from './check.ts';
import type { FormatEngine, Schema, SchemaElement, WitnessSearch } from './engine.ts';

export interface ElementChange {
  readonly change: 'added' | 'removed' | 'changed';
  /** For people, as the newer version calls it, where it has it. */
  readonly element: string;
  /** What it was; null where it is added. */
  readonly before: string | null;
  /** What it is; null where it is removed. */
  readonly after: string | null;
}

export interface SchemaDiff {
  readonly from: string;
  readonly to: string;
  readonly elements: readonly ElementChange[];
  /** In both directions. */
  readonly compatibility: CheckReport;
}

/** Both schemas are the engine's own. */
export async function diffSchemas(
  engine: FormatEngine,
  from: Schema,
  to: Schema,
  search: WitnessSearch,
  signal: AbortSignal,
): Promise<SchemaDiff> {
  return {
    from: from.source.name,
    to: to.source.name,
    elements: elementChanges(engine.elements(from), engine.elements(to)),
    compatibility: await checkSchema(
      { engine, proposed: to, versions: [from], mode: 'FULL', search },
      signal,
    ),
  };
}

/** In the order of the older version, what is added after it. */
function elementChanges(
  from: readonly SchemaElement[],
  to: readonly SchemaElement[],
): readonly ElementChange[] {
  const before = new Map(from.map((element) => [element.key, element]));
  const after = new Map(to.map((element) => [element.key, element]));
  const kept = from.flatMap(({ key, path, description }): ElementChange[] => {
    const now = after.get(key);
    if (now === undefined) return [{ change: 'removed', element: path, before: description, after: null }];
    if (now.description === description) return [];
    return [{ change: 'changed', element: now.path, before: description, after: now.description }];
  });
  const added = to.filter(({ key }) => !before.has(key));
  return [
    ...kept,
    ...added.map(({ path, description }): ElementChange => ({
      change: 'added',
      element: path,
      before: null,
      after: description,
    })),
  ];
}
