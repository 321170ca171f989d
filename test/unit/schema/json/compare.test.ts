import assert from 'node:assert/strict';
import test from 'node:test';
import fc from 'fast-check';

import type { JsonValue } from '../../../../src/lib/message/record.ts';
import { jsonEngine } from '../../../../src/lib/schema/json/engine.ts';

function schema(name: string, value: JsonValue) {
  return jsonEngine.parse({ name, text: JSON.stringify(value, null, 2), references: [] });
}

const object = (
  properties: JsonValue,
  rest: { readonly [name: string]: JsonValue } = {},
): { readonly [name: string]: JsonValue } => ({
  type: 'object',
  properties,
  ...rest,
});

const recent = (schema: { readonly [name: string]: JsonValue }): JsonValue => ({
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  ...schema,
});

/** What Confluent's registry says in its strict policy, and what data says. */
const cases: readonly {
  readonly what: string;
  readonly before: JsonValue;
  readonly after: JsonValue;
  readonly confluent: readonly string[];
  /** `open`: neither proved nor refuted. */
  readonly breaks: boolean | 'open';
}[] = [
  {
    what: 'a typed optional property is added to an open object',
    before: object({ a: { type: 'string' } }),
    after: object({ a: { type: 'string' }, b: { type: 'string' } }),
    confluent: ['PROPERTY_ADDED_TO_OPEN_CONTENT_MODEL'],
    breaks: true,
  },
  {
    what: 'an optional property is added to a closed object',
    before: object({ a: {} }, { additionalProperties: false }),
    after: object({ a: {}, b: { type: 'string' } }, { additionalProperties: false }),
    confluent: [],
    breaks: false,
  },
  {
    what: 'a property is removed from a closed object',
    before: object({ a: {}, b: {} }, { additionalProperties: false }),
    after: object({ a: {} }, { additionalProperties: false }),
    confluent: ['PROPERTY_REMOVED_FROM_CLOSED_CONTENT_MODEL'],
    breaks: true,
  },
  {
    what: 'a property is removed from an open object',
    before: object({ a: {}, b: { type: 'string' } }),
    after: object({ a: {} }),
    confluent: [],
    breaks: false,
  },
  {
    what: 'a property that a partially open object covers is added',
    before: object({}, { additionalProperties: { type: 'string' } }),
    after: object({ a: { type: 'string' } }, { additionalProperties: { type: 'string' } }),
    confluent: [],
    breaks: false,
  },
  {
    what: 'an object is closed',
    before: object({ a: {} }),
    after: object({ a: {} }, { additionalProperties: false }),
    confluent: ['ADDITIONAL_PROPERTIES_REMOVED'],
    breaks: true,
  },
  {
    what: 'a property becomes required',
    before: object({ a: { type: 'string' } }),
    after: object({ a: { type: 'string' } }, { required: ['a'] }),
    confluent: ['REQUIRED_ATTRIBUTE_ADDED'],
    breaks: true,
  },
  {
    what: 'a property with a default becomes required, which the registry takes',
    before: object({ a: { type: 'string', default: '' } }),
    after: object({ a: { type: 'string', default: '' } }, { required: ['a'] }),
    confluent: [],
    breaks: true,
  },
  {
    what: 'an enum loses a value',
    before: { enum: ['a', 'b'] },
    after: { enum: ['a'] },
    confluent: ['ENUM_ARRAY_NARROWED'],
    breaks: true,
  },
  {
    what: 'a type changes',
    before: { type: 'string' },
    after: { type: 'number' },
    confluent: ['TYPE_CHANGED'],
    breaks: true,
  },
  {
    what: 'a number becomes whole',
    before: { type: 'number' },
    after: { type: 'integer' },
    confluent: ['TYPE_NARROWED'],
    breaks: true,
  },
  {
    what: 'a limit is raised',
    before: { type: 'string', maxLength: 5 },
    after: { type: 'string', maxLength: 9 },
    confluent: [],
    breaks: false,
  },
  {
    what: 'an option is taken away',
    before: { anyOf: [{ type: 'string' }, { type: 'number' }] },
    after: { anyOf: [{ type: 'string' }] },
    confluent: ['SUM_TYPE_NARROWED'],
    breaks: true,
  },
  {
    what: 'a text with an enum loses a value, which is a part of an allOf there',
    before: { type: 'string', enum: ['a', 'b'] },
    after: { type: 'string', enum: ['a'] },
    confluent: ['COMBINED_TYPE_SUBSCHEMAS_CHANGED'],
    breaks: true,
  },
  {
    what: 'a property is added beside an anyOf',
    before: object({ a: {} }, { anyOf: [{ required: ['a'] }] }),
    after: object({ a: {}, b: { type: 'string' } }, { anyOf: [{ required: ['a'] }] }),
    confluent: ['COMBINED_TYPE_SUBSCHEMAS_CHANGED'],
    breaks: true,
  },
  {
    what: 'options come in another order, and each has one of its own only if the first is not taken greedily',
    before: { anyOf: [{ type: 'integer' }, { type: 'number' }] },
    after: { anyOf: [{ type: 'number' }, { type: 'integer' }] },
    confluent: [],
    breaks: false,
  },
  {
    what: 'two options refer to the same part, which changes',
    before: {
      anyOf: [{ $ref: '#/definitions/p' }, { items: { $ref: '#/definitions/p' } }],
      definitions: { p: { type: 'string' } },
    },
    after: {
      anyOf: [{ $ref: '#/definitions/p' }, { items: { $ref: '#/definitions/p' } }],
      definitions: { p: { type: 'null' } },
    },
    confluent: ['COMBINED_TYPE_SUBSCHEMAS_CHANGED'],
    breaks: true,
  },
  {
    what: 'less is forbidden',
    before: { not: { type: ['string', 'null'] } },
    after: { not: { type: 'string' } },
    confluent: [],
    breaks: false,
  },
  {
    what: 'more is forbidden',
    before: { not: { type: 'string' } },
    after: { not: { type: ['string', 'null'] } },
    confluent: ['NOT_TYPE_EXTENDED'],
    breaks: true,
  },
  {
    what: 'what a list has to contain changes, which the registry does not look at',
    before: { type: 'array', contains: { type: 'string' } },
    after: { type: 'array', contains: { type: 'number' } },
    confluent: [],
    breaks: true,
  },
  {
    what: 'a list has to contain something in draft-07, which the registry does not look at',
    before: { type: 'array' },
    after: { type: 'array', contains: { type: 'number' } },
    confluent: [],
    breaks: true,
  },
  {
    what: 'a list has to contain something in 2020-12',
    before: recent({ type: 'array' }),
    after: recent({ type: 'array', contains: { type: 'number' } }),
    confluent: ['MIN_CONTAINS_ADDED'],
    breaks: true,
  },
  {
    what: 'a list has to contain more, and at most so many',
    before: recent({ type: 'array', contains: { type: 'number' }, minContains: 1, maxContains: 9 }),
    after: recent({ type: 'array', contains: { type: 'number' }, minContains: 2, maxContains: 3 }),
    confluent: ['MIN_CONTAINS_INCREASED', 'MAX_CONTAINS_DECREASED'],
    breaks: true,
  },
  {
    what: 'names are limited, which the registry does not look at',
    before: object({}),
    after: object({}, { propertyNames: { maxLength: 3 } }),
    confluent: [],
    breaks: true,
  },
  {
    what: 'of two parts that both had to hold one is left',
    before: { type: 'object', minimum: 1 },
    after: { minimum: 1 },
    confluent: [],
    breaks: false,
  },
  {
    what: 'an object allows nothing unevaluated any more',
    before: recent(object({ a: {} })),
    after: recent(object({ a: {} }, { unevaluatedProperties: false })),
    confluent: ['UNEVALUATED_PROPERTIES_REMOVED'],
    breaks: true,
  },
  {
    what: 'what is unevaluated has to be text',
    before: recent(object({ a: {} })),
    after: recent(object({ a: {} }, { unevaluatedProperties: { type: 'string' } })),
    confluent: ['UNEVALUATED_PROPERTIES_NARROWED'],
    breaks: true,
  },
  {
    what: 'an optional property is added where nothing unevaluated was allowed',
    before: recent(object({ a: {} }, { unevaluatedProperties: false })),
    after: recent(object({ a: {}, b: { type: 'string' } }, { unevaluatedProperties: false })),
    confluent: [],
    breaks: 'open',
  },
  {
    what: 'a list allows nothing unevaluated any more',
    before: recent({ type: 'array', prefixItems: [{}] }),
    after: recent({ type: 'array', prefixItems: [{}], unevaluatedItems: false }),
    confluent: ['UNEVALUATED_ITEMS_REMOVED'],
    breaks: true,
  },
  {
    what: 'one property demands another',
    before: recent(object({ a: {} })),
    after: recent(object({ a: {} }, { dependentRequired: { a: ['b'] } })),
    confluent: ['DEPENDENCY_ARRAY_ADDED'],
    breaks: true,
  },
  {
    what: 'one property demands one more',
    before: recent(object({ a: {} }, { dependentRequired: { a: ['b'] } })),
    after: recent(object({ a: {} }, { dependentRequired: { a: ['b', 'c'] } })),
    confluent: ['DEPENDENCY_ARRAY_EXTENDED'],
    breaks: true,
  },
  {
    what: 'one property demands a schema',
    before: recent(object({ a: {} })),
    after: recent(object({ a: {} }, { dependentSchemas: { a: { required: ['b'] } } })),
    confluent: ['DEPENDENCY_SCHEMA_ADDED'],
    breaks: true,
  },
  {
    what: 'a condition is added',
    before: object({ a: {} }),
    after: object({ a: {} }, { if: { required: ['a'] }, then: { required: ['b'] } }),
    confluent: ['TYPE_CHANGED'],
    breaks: true,
  },
  {
    what: 'a condition demands more, which the registry does not look at',
    before: object({ a: {} }, { if: { required: ['a'] }, then: { required: ['b'] } }),
    after: object({ a: {} }, { if: { required: ['a'] }, then: { required: ['b', 'c'] } }),
    confluent: [],
    breaks: true,
  },
  {
    what: 'a recursive schema changes within itself',
    before: {
      $ref: '#/definitions/n',
      definitions: { n: object({ v: { type: 'number' }, n: { $ref: '#/definitions/n' } }) },
    },
    after: {
      $ref: '#/definitions/n',
      definitions: { n: object({ v: { type: 'integer' }, n: { $ref: '#/definitions/n' } }) },
    },
    confluent: ['TYPE_NARROWED'],
    breaks: true,
  },
];

const says = (breaks: boolean | 'open'): string =>
  breaks === 'open' ? 'is left open' : breaks ? 'breaks' : 'does not break';

for (const { what, before, after, confluent, breaks } of cases)
  test(`${what}: ${confluent.join() || 'taken'}, and data ${says(breaks)}`, async () => {
    const [reader, writer] = [schema('new.json', after), schema('old.json', before)];
    const { differences } = jsonEngine.compare(reader, writer);
    assert.deepEqual(
      differences.flatMap(({ rejectedBy }) => rejectedBy.confluent ?? []),
      confluent,
    );
    const open = differences.filter(({ data }) => data === 'may-break');
    assert.equal(open.length > 0, breaks !== false);
    for (const difference of open) {
      const witness = await jsonEngine.findWitness(reader, writer, difference, { seed: 1, timeMs: 5_000 });
      assert.equal(witness === null, breaks === 'open');
      if (witness === null) continue;
      assert.deepEqual(writer.validate(witness.written, 1), []);
      assert.notDeepEqual(reader.validate(witness.written, 1), []);
    }
  });

test('a difference stands at its line in both files', () => {
  const { differences } = jsonEngine.compare(
    schema('new.json', object({ total: { type: 'string' } })),
    schema('old.json', object({ total: { type: 'number' } })),
  );
  assert.deepEqual(
    differences.map(({ code, reader, writer }) => [
      code,
      reader.pointer,
      reader.place?.line,
      writer.place?.line,
    ]),
    [['TYPE_NARROWED', '/properties/total/type', 5, 5]],
  );
});

const names = fc.constantFrom('a', 'b', 'c');
const leaves: fc.Arbitrary<JsonValue> = fc.oneof(
  fc.constant<JsonValue>(true),
  fc.record({ type: fc.constantFrom('string', 'number', 'integer', 'boolean', 'null') }),
  fc.record({ type: fc.constant('integer'), minimum: fc.integer({ min: -2, max: 2 }) }),
  fc.record({ maximum: fc.integer({ min: -2, max: 3 }), multipleOf: fc.integer({ min: 1, max: 3 }) }),
  fc.record({ type: fc.constant('string'), maxLength: fc.nat({ max: 3 }) }),
  fc.record({ minLength: fc.nat({ max: 3 }) }),
  fc.record({
    enum: fc.uniqueArray(fc.constantFrom<JsonValue>(1, 2, 'a', 'b', null, true), {
      minLength: 1,
      maxLength: 3,
    }),
  }),
);
const schemas = fc.letrec<{ any: JsonValue }>((tie) => ({
  any: fc.oneof(
    { maxDepth: 3, depthSize: 'small' },
    leaves,
    fc.record({
      type: fc.constant('object'),
      properties: fc.dictionary(names, tie('any'), { maxKeys: 2 }),
      required: fc.uniqueArray(names, { maxLength: 1 }),
      additionalProperties: fc.oneof(fc.boolean(), tie('any')),
    }) as fc.Arbitrary<JsonValue>,
    fc.record({
      patternProperties: fc.dictionary(fc.constantFrom('^a', 'b$'), tie('any'), { maxKeys: 1 }),
      minProperties: fc.nat({ max: 2 }),
    }) as fc.Arbitrary<JsonValue>,
    fc.record({
      type: fc.constant('array'),
      items: tie('any'),
      maxItems: fc.nat({ max: 3 }),
    }) as fc.Arbitrary<JsonValue>,
    fc.record({
      items: fc.array(tie('any'), { minLength: 1, maxLength: 2 }),
      additionalItems: tie('any'),
    }) as fc.Arbitrary<JsonValue>,
    fc.array(tie('any'), { minLength: 1, maxLength: 2 }).map((anyOf): JsonValue => ({ anyOf })),
    fc.array(tie('any'), { minLength: 1, maxLength: 2 }).map((oneOf): JsonValue => ({ oneOf })),
    fc.array(tie('any'), { minLength: 1, maxLength: 2 }).map((allOf): JsonValue => ({ allOf })),
    tie('any').map((not): JsonValue => ({ not })),
  ),
}));
const values = fc.letrec<{ any: JsonValue }>((tie) => ({
  any: fc.oneof(
    { maxDepth: 3, depthSize: 'small' },
    fc.constantFrom<JsonValue>(0, 1, 2, 3, -1, 1.5, 6, '', 'a', 'b', 'abcd', null, true, false),
    fc.array(tie('any'), { maxLength: 3 }),
    fc.dictionary(names, tie('any'), { maxKeys: 3 }),
  ),
}));

test('where all is proved, no value is accepted by the writer and refused by the reader', () => {
  let proved = 0;
  fc.assert(
    fc.property(
      schemas.any,
      schemas.any,
      fc.boolean(),
      fc.array(values.any, { minLength: 30, maxLength: 30 }),
      (one, other, near, tried) => {
        // Two that have nothing to do with each other prove little: half are one and a wider or narrower one.
        const [read, written] = near ? [{ anyOf: [one, other] }, one] : [one, other];
        const [reader, writer] = [schema('reader', read), schema('writer', written)];
        if (jsonEngine.compare(reader, writer).differences.some(({ data }) => data === 'may-break')) return;
        proved += 1;
        for (const value of tried)
          if (writer.validate(value, 1).length === 0)
            assert.deepEqual(
              reader.validate(value, 1),
              [],
              `${JSON.stringify(written)} in ${JSON.stringify(read)}: ${JSON.stringify(value)}`,
            );
      },
    ),
    { numRuns: 500, seed: 3 },
  );
  assert.ok(proved > 100, `${proved.toString()} pairs were proved`);
});
