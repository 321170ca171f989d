/** Avro schemas and what somebody may make of them: each pair differs in a few small changes, or in none. */
import fc from 'fast-check';

export type Definition = string | DefinitionObject | Definition[];
export interface DefinitionObject {
  readonly type: string;
  readonly [key: string]: unknown;
}

const primitives = ['null', 'boolean', 'int', 'long', 'float', 'double', 'bytes', 'string'];

interface Sketch {
  readonly kind: string;
  readonly inner: readonly Sketch[];
  readonly count: number;
}

const leaf: fc.Arbitrary<Sketch> = fc.record({
  kind: fc.constantFrom(...primitives, 'enum', 'fixed'),
  inner: fc.constant([]),
  count: fc.integer({ min: 1, max: 4 }),
});

function around(inner: fc.Arbitrary<Sketch>): fc.Arbitrary<Sketch> {
  const composed = fc.record({
    kind: fc.constantFrom('record', 'array', 'map', 'nullable'),
    inner: fc.array(inner, { minLength: 1, maxLength: 3 }),
    count: fc.constant(1),
  });
  return fc.oneof(leaf, composed);
}

const tree = fc.record({
  kind: fc.constant('record'),
  inner: fc.array(around(around(around(leaf))), { minLength: 1, maxLength: 3 }),
  count: fc.constant(1),
});

/** One in four of the writer's nodes differs from the reader's. */
export const changedSchemas = fc
  .tuple(tree, fc.array(fc.integer({ min: 0, max: 11 }), { minLength: 20, maxLength: 20 }))
  .map(([sketch, changes]): [Definition, Definition] => [
    new Drawing(null).draw(sketch),
    new Drawing(changes).draw(sketch),
  ]);

class Drawing {
  readonly #changes: number[] | null;
  #named = 0;

  constructor(changes: readonly number[] | null) {
    this.#changes = changes === null ? null : [...changes];
  }

  draw(sketch: Sketch): Definition {
    const change = this.#changes?.shift() ?? 11;
    const inner = sketch.inner[0] ?? { kind: 'int', inner: [], count: 1 };
    const name = `N${(this.#named++).toString()}`;
    switch (sketch.kind) {
      case 'record': {
        const fields = sketch.inner.map((field, index) => ({
          name: `f${index.toString()}`,
          type: this.draw(field),
        }));
        if (change === 0) fields.pop();
        if (change === 1) fields.push({ name: 'added', type: 'int' });
        return { type: 'record', name: change === 2 ? `${name}x` : name, fields };
      }
      case 'enum': {
        const symbols = ['A', 'B', 'C', 'D', 'E'].slice(0, sketch.count + (change === 0 ? 1 : 0));
        return { type: 'enum', name, symbols };
      }
      case 'fixed':
        return { type: 'fixed', name, size: sketch.count + (change === 0 ? 1 : 0) };
      case 'array':
        return { type: 'array', items: this.draw(inner) };
      case 'map':
        return { type: 'map', values: this.draw(inner) };
      case 'nullable': {
        const value = this.draw(inner);
        if (value === 'null' || Array.isArray(value)) return value; // no union in a union
        return change === 0 ? value : ['null', value];
      }
      default:
        return change <= 2
          ? (primitives[(primitives.indexOf(sketch.kind) + change + 1) % 8] ?? 'int')
          : sketch.kind;
    }
  }
}
