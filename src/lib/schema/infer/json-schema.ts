/** A JSON Schema (draft-07, which every registry takes) that takes every sample, and claims no more than they show. */
import type { JsonValue } from '../../message/json-value.ts';
import { closedSet, type InferOptions, type InferredSchema } from './avro.ts';
import { valuesOfAll, type ObjectsSeen, type Observation } from './observation.ts';
import { isMap } from './shape.ts';

export interface InferJsonOptions extends InferOptions {
  /** Whether objects take no other properties: then optional ones can be added later. */
  readonly closed: boolean;
}

/** Of `root`, which has seen all samples; the name is the `title`. */
export function inferJsonSchema(root: Observation, options: InferJsonOptions): InferredSchema {
  const writing = new Writing(options);
  const $schema = 'http://json-schema.org/draft-07/schema#';
  return {
    schema: { $schema, title: options.name, ...writing.schema(root, '') },
    notes: writing.notes,
  };
}

type Keywords = Readonly<Record<string, JsonValue>>;

class Writing {
  readonly notes: { pointer: string; text: string }[] = [];
  readonly #options: InferJsonOptions;

  constructor(options: InferJsonOptions) {
    this.#options = options;
  }

  schema(seen: Observation, pointer: string): Keywords {
    const types = typesOf(seen);
    const [only] = types;
    if (only === undefined) return {};
    return {
      type: types.length === 1 ? only : types,
      ...this.#texts(seen, types),
      ...this.#lists(seen, pointer),
      ...this.#objects(seen.objects, pointer),
    };
  }

  #texts({ texts, distinctTexts, formats, nulls }: Observation, types: readonly string[]): Keywords {
    if (texts === 0) return {};
    const others = types.filter((type) => type !== 'string' && type !== 'null');
    if (
      this.#options.enums &&
      others.length === 0 &&
      distinctTexts !== null &&
      closedSet(distinctTexts, texts)
    )
      return { enum: [...[...distinctTexts.keys()].sort(), ...(nulls > 0 ? [null] : [])] };
    const [format] = formats;
    return format === undefined ? {} : { format };
  }

  #lists({ lists, items }: Observation, pointer: string): Keywords {
    if (lists === 0) return {};
    const place = `${pointer}/*`;
    if (items !== null) return { items: this.schema(items, place) };
    this.notes.push({ pointer: place, text: 'no item was ever seen here' });
    return {};
  }

  #objects(objects: ObjectsSeen | null, pointer: string): Keywords {
    if (objects === null) return {};
    if (isMap(objects)) return { additionalProperties: this.schema(valuesOfAll(objects), `${pointer}/*`) };
    const fields = [...objects.fields];
    // Validators do not see a property of this name among those that are listed.
    const closed = this.#options.closed && !objects.fields.has('__proto__');
    const required = fields.filter(([, { seen }]) => seen === objects.count).map(([name]) => name);
    return {
      properties: Object.fromEntries(
        fields.map(([name, seen]) => [name, this.schema(seen, `${pointer}/${name}`)]),
      ),
      ...(required.length === 0 ? {} : { required }),
      ...(closed ? { additionalProperties: false } : {}),
    };
  }
}

function typesOf(seen: Observation): readonly string[] {
  const numbers = seen.fractions > 0 ? ['number'] : seen.integers > 0 ? ['integer'] : [];
  return [
    ...(seen.nulls > 0 ? ['null'] : []),
    ...(seen.booleans > 0 ? ['boolean'] : []),
    ...(seen.texts > 0 ? ['string'] : []),
    ...numbers,
    ...(seen.lists > 0 ? ['array'] : []),
    ...(seen.objects === null ? [] : ['object']),
  ];
}
