/** Values that the one schema may accept and the other not: the edges of both, put together, then random ones by a seed. */
import type { JsonValue } from '../../message/record.ts';
import type { Random } from '../random.ts';
import {
  isList,
  isObject,
  isSchema,
  resolveReference,
  type JsonSchema,
  type SchemaDocument,
} from './document.ts';

const maxDepth = 5;
/** Of one schema at one place; the judge is quick, and deep schemas have very many. */
const maxSamples = 60;

/**
 * At most 400 values of both schemas, then as many objects put together from parts of them. Some come twice, and some are
 * valid for neither. The same seed of `random` gives the same ones.
 */
export function* candidates(
  reader: SchemaDocument,
  writer: SchemaDocument,
  random: Random,
): Generator<JsonValue> {
  const sampler = new Sampler(reader, writer);
  const first = sampler.samples(
    [
      { schema: writer.schema, root: writer.schema },
      { schema: reader.schema, root: reader.schema },
    ],
    0,
    400,
  );
  yield* first;
  // Objects and lists put together from parts of several samples.
  const objects = first.filter(isObject);
  for (let tried = 0; tried < 400 && objects.length > 1; tried += 1) {
    const parts = [0, 1, 2].map(() => random.pick(objects) ?? {});
    const entries: [string, JsonValue][] = parts
      .flatMap((part) => Object.entries(part))
      .filter(() => random.next() < 0.8);
    yield Object.fromEntries(entries);
  }
}

interface Part {
  readonly schema: JsonSchema;
  readonly root: JsonSchema;
}

const plain: readonly JsonValue[] = [
  null,
  true,
  false,
  0,
  1,
  -1,
  1.5,
  42,
  1e9,
  '',
  'a',
  'A',
  'abc',
  '0',
  [],
  [1],
  ['a'],
  {},
  { a: 1 },
];

class Sampler {
  readonly #documents: readonly SchemaDocument[];

  constructor(...documents: readonly SchemaDocument[]) {
    this.#documents = documents;
  }

  /** Values that these schemas speak of, together. */
  samples(parts: readonly Part[], depth: number, limit = maxSamples): JsonValue[] {
    const all = this.#flatten(parts);
    const found = new Map<string, JsonValue>();
    const add = (value: JsonValue): void => {
      if (found.size < limit) found.set(JSON.stringify(value), value);
    };
    const objects = all.map(({ schema }) => schema).filter(isObject);
    for (const schema of objects) {
      if (schema['const'] !== undefined) add(schema['const']);
      if (isList(schema['enum'])) schema['enum'].slice(0, 20).forEach(add);
      if (schema['default'] !== undefined) add(schema['default']);
      if (isList(schema['examples'])) schema['examples'].slice(0, 3).forEach(add);
    }
    const types = new Set(
      objects.flatMap(({ type }) => (isList(type) ? type : type === undefined ? [] : [type])),
    );
    const about = (type: string, ...keywords: readonly string[]) =>
      types.has(type) || objects.some((schema) => keywords.some((keyword) => keyword in schema));
    if (depth < maxDepth) {
      if (
        about(
          'object',
          'properties',
          'required',
          'additionalProperties',
          'patternProperties',
          'propertyNames',
          'minProperties',
          'maxProperties',
          'dependencies',
          'dependentRequired',
          'dependentSchemas',
        )
      )
        this.#objects(all, depth).forEach(add);
      if (
        about(
          'array',
          'items',
          'prefixItems',
          'additionalItems',
          'contains',
          'minItems',
          'maxItems',
          'uniqueItems',
        )
      )
        this.#lists(all, depth).forEach(add);
    }
    if (
      about('number', 'minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum', 'multipleOf') ||
      types.has('integer')
    )
      numberEdges(
        objects.flatMap((schema) => Object.values(schema)).filter((value) => typeof value === 'number'),
      ).forEach(add);
    if (about('string', 'minLength', 'maxLength', 'pattern', 'format')) stringEdges(objects).forEach(add);
    (depth === 0 ? plain : plain.slice(0, 13)).forEach(add);
    return [...found.values()];
  }

  #flatten(parts: readonly Part[]): Part[] {
    const flat: Part[] = [];
    const left = [...parts];
    for (let next = left.shift(); next !== undefined && flat.length < 60; next = left.shift()) {
      const { schema, root } = next;
      if (!isObject(schema) || flat.some((known) => known.schema === schema)) continue;
      flat.push(next);
      const reference = schema['$ref'];
      if (typeof reference === 'string')
        for (const document of this.#documents) {
          const target = resolveReference(document, root, reference);
          if (target !== null) left.push(target);
        }
      for (const keyword of ['allOf', 'anyOf', 'oneOf'])
        if (isList(schema[keyword]))
          for (const member of schema[keyword]) if (isSchema(member)) left.push({ schema: member, root });
      for (const keyword of ['not', 'if', 'then', 'else']) {
        const member = schema[keyword];
        if (isSchema(member)) left.push({ schema: member, root });
      }
      for (const keyword of ['dependencies', 'dependentSchemas'])
        if (isObject(schema[keyword]))
          for (const member of Object.values(schema[keyword]))
            if (isSchema(member)) left.push({ schema: member, root });
    }
    return flat;
  }

  #objects(parts: readonly Part[], depth: number): JsonValue[] {
    const members = new Map<string, Part[]>();
    const required = new Set<string>();
    const rest: Part[] = [];
    let [fewest, mostProperties] = [0, 0];
    for (const { schema, root } of parts) {
      if (!isObject(schema)) continue;
      for (const name of isList(schema['required']) ? schema['required'] : [])
        if (typeof name === 'string') required.add(name);
      for (const [name, member] of Object.entries(isObject(schema['properties']) ? schema['properties'] : {}))
        if (isSchema(member)) members.set(name, [...(members.get(name) ?? []), { schema: member, root }]);
      for (const [pattern, member] of Object.entries(
        isObject(schema['patternProperties']) ? schema['patternProperties'] : {},
      ))
        for (const name of patternSamples(pattern).slice(0, 2))
          if (isSchema(member)) members.set(name, [...(members.get(name) ?? []), { schema: member, root }]);
      if (isSchema(schema['additionalProperties']))
        rest.push({ schema: schema['additionalProperties'], root });
      for (const keyword of ['dependencies', 'dependentRequired'])
        for (const [name, others] of Object.entries(isObject(schema[keyword]) ? schema[keyword] : {})) {
          if (!members.has(name)) members.set(name, []);
          if (isList(others))
            for (const other of others)
              if (typeof other === 'string' && !members.has(other)) members.set(other, []);
        }
      if (isObject(schema['propertyNames']))
        for (const name of stringEdges([schema['propertyNames']]).slice(0, 8))
          if (typeof name === 'string' && !members.has(name)) members.set(name, []);
      if (typeof schema['minProperties'] === 'number')
        fewest = Math.max(fewest, Math.min(schema['minProperties'], 200));
      if (typeof schema['maxProperties'] === 'number')
        mostProperties = Math.max(mostProperties, Math.min(schema['maxProperties'] + 1, 200));
    }
    const valuesOf = (name: string) =>
      this.samples(
        [...(members.get(name) ?? []), ...(members.has(name) ? [] : rest)],
        depth + 1,
        depth === 0 ? 40 : 12,
      );
    const whole = Object.fromEntries(
      [...members.keys(), ...required].slice(0, 40).map((name) => [name, valuesOf(name)[0] ?? null]),
    );
    const least = Object.fromEntries([...required].map((name) => [name, valuesOf(name)[0] ?? null]));
    const found: JsonValue[] = [least, whole, {}];
    for (const name of members.keys())
      found.push(Object.fromEntries(Object.entries(whole).filter(([other]) => other !== name)));
    for (const name of new Set([...members.keys(), ...required, 'anotherProperty'])) {
      for (const value of valuesOf(name))
        found.push({ ...least, [name]: value }, ...(depth === 0 ? [{ ...whole, [name]: value }] : []));
      if (found.length > 1_000) break;
    }
    for (const size of new Set([fewest, fewest - 1, mostProperties, mostProperties - 1]))
      if (size > 0) found.push(withSize(least, size, valuesOf('anotherProperty')[0] ?? 1));
    return found;
  }

  #lists(parts: readonly Part[], depth: number): JsonValue[] {
    const positions: Part[][] = [];
    const rest: Part[] = [];
    const sizes = new Set([0, 1, 2]);
    for (const { schema, root } of parts) {
      if (!isObject(schema)) continue;
      const tuple = isList(schema['items'])
        ? schema['items']
        : isList(schema['prefixItems'])
          ? schema['prefixItems']
          : [];
      tuple.slice(0, 30).forEach((member, index) => {
        if (isSchema(member)) (positions[index] ??= []).push({ schema: member, root });
      });
      for (const keyword of ['items', 'additionalItems', 'contains']) {
        const member = schema[keyword];
        if (isSchema(member)) rest.push({ schema: member, root });
      }
      for (const keyword of ['minItems', 'maxItems'])
        if (typeof schema[keyword] === 'number')
          for (const size of [schema[keyword] - 1, schema[keyword], schema[keyword] + 1])
            if (size >= 0 && size <= 300) sizes.add(size);
      sizes.add(Math.min(tuple.length, 30)).add(Math.min(tuple.length, 30) + 1);
    }
    const samplesAt = (index: number) =>
      this.samples(positions[index] ?? rest, depth + 1, depth === 0 ? 30 : 10);
    const found: JsonValue[] = [];
    const firsts = new Map<number, JsonValue[]>();
    const at = (index: number) => {
      const key = Math.min(index, positions.length);
      const known = firsts.get(key) ?? samplesAt(key);
      firsts.set(key, known);
      return known;
    };
    for (const size of sizes) {
      found.push(Array.from({ length: size }, (_, index) => at(index)[0] ?? null));
      // All different, for lists that must be.
      found.push(
        Array.from({ length: size }, (_, index) => {
          const values = at(index);
          return values[index % Math.max(1, values.length)] ?? null;
        }),
      );
      if (size > 0 && size <= 6)
        for (let index = 0; index < size; index += 1)
          for (const value of at(index))
            found.push(
              Array.from({ length: size }, (_, other) => (other === index ? value : (at(other)[0] ?? null))),
            );
    }
    return found;
  }
}

function withSize(least: Readonly<Record<string, JsonValue>>, size: number, value: JsonValue): JsonValue {
  const object: Record<string, JsonValue> = { ...least };
  for (let index = 0; Object.keys(object).length < size; index += 1) object[`p${index.toString()}`] = value;
  return object;
}

function numberEdges(limits: readonly number[]): JsonValue[] {
  const edges = limits
    .slice(0, 12)
    .flatMap((limit) => [
      limit,
      limit + 1,
      limit - 1,
      limit + 0.5,
      limit - 0.5,
      limit * 2,
      limit * 3,
      -limit,
    ]);
  const [first, second] = limits;
  if (first !== undefined && second !== undefined)
    edges.push(first * second, (first + second) / 2, Math.trunc((first + second) / 2));
  return [...edges.filter(Number.isFinite), 0, 1, 7, -7, 1.5, 1e6, -1e6];
}

function stringEdges(schemas: readonly { readonly [name: string]: JsonValue }[]): JsonValue[] {
  const lengths = new Set([0, 1, 3]);
  const found: JsonValue[] = [];
  for (const schema of schemas) {
    for (const keyword of ['minLength', 'maxLength'])
      if (typeof schema[keyword] === 'number')
        for (const length of [schema[keyword] - 1, schema[keyword], schema[keyword] + 1])
          if (length >= 0 && length <= 10_000) lengths.add(length);
    if (typeof schema['pattern'] === 'string') found.push(...patternSamples(schema['pattern']));
  }
  return [
    ...found,
    ...[...lengths].map((length) => 'a'.repeat(length)),
    'ABC',
    '0123',
    'a b',
    '2026-11-20',
    'é',
  ];
}

/** Texts that a simple pattern matches: classes, repetitions and choices by their first possibility. The judge decides. */
function patternSamples(pattern: string): string[] {
  const source = pattern.replace(/^\^/, '').replace(/\$$/, '');
  const build = (repeat: number): string =>
    source
      .replaceAll(/\\d/g, '[0-9]')
      .replaceAll(/\\w/g, '[a-z]')
      .replaceAll(/\\s/g, ' ')
      .replaceAll(/\((?:\?:)?([^()|]*)(?:\|[^()]*)?\)/g, '$1')
      .replaceAll(
        /(\[\^?(?:\\.|[^\]])*\]|\\.|[^\\])(\*|\+|\?|\{(\d+)(?:,\d*)?\})?/g,
        (_, unit: string, quantifier: string | undefined, exactly: string | undefined) => {
          const character = unit.startsWith('[^')
            ? '~'
            : unit.startsWith('[')
              ? unit.charAt(1) === '\\'
                ? unit.charAt(2)
                : unit.charAt(1)
              : unit === '.'
                ? 'x'
                : unit.replace(/^\\/, '');
          const count =
            exactly !== undefined
              ? Number(exactly)
              : quantifier === '*' || quantifier === '?'
                ? Math.min(repeat, quantifier === '?' ? 1 : repeat)
                : quantifier === '+'
                  ? Math.max(1, repeat)
                  : 1;
          return character.repeat(Math.min(count, 1_000));
        },
      );
  return [...new Set([build(1), build(2), build(0), `${build(1)}1`])];
}
