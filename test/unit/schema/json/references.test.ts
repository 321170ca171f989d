import assert from 'node:assert/strict';
import test from 'node:test';

import type { JsonValue } from '../../../../src/lib/message/record.ts';
import { jsonEngine } from '../../../../src/lib/schema/json/engine.ts';

type Files = Readonly<Record<string, JsonValue>>;

function schema(root: JsonValue, files: Files = {}) {
  const references = Object.entries(files).map(([name, file]) => ({
    name,
    source: { name, text: JSON.stringify(file), references: [] },
  }));
  return jsonEngine.parse({ name: 'order.json', text: JSON.stringify(root), references });
}

/** `written` is what the writer accepts and the reader refuses, so that "compatible" would be false. */
const breaking: readonly {
  readonly what: string;
  readonly writer: readonly [root: JsonValue, files?: Files];
  readonly reader: readonly [root: JsonValue, files?: Files];
  readonly written: JsonValue;
}[] = [
  ...(['then', 'else'] as const).map((branch) => ({
    what: `the definition that the same ${branch} refers to is narrowed`,
    ...bothOf((limit) => ({
      if: branch === 'then' ? { required: ['a'] } : { required: ['b'] },
      [branch]: { $ref: '#/definitions/x' },
      definitions: { x: { properties: { a: { maximum: limit } } } },
    })),
    written: { a: 7 },
  })),
  {
    what: 'a file that the same schema refers to is narrowed',
    writer: [{ properties: { a: { $ref: 'x.json' } } }, { 'x.json': { maximum: 9 } }],
    reader: [{ properties: { a: { $ref: 'x.json' } } }, { 'x.json': { maximum: 5 } }],
    written: { a: 7 },
  },
  {
    what: 'the same reference stands at the same place of two files, and leads to a narrower one in the second',
    writer: [{ properties: { a: { type: 'integer' }, b: { $ref: '#' } } }],
    reader: [
      {
        properties: { a: { $ref: '#/definitions/x' }, b: { $ref: 'b.json' } },
        definitions: { x: { type: 'integer' } },
      },
      {
        'b.json': {
          properties: { a: { $ref: '#/definitions/x' } },
          definitions: { x: { type: 'integer', maximum: 5 } },
        },
      },
    ],
    written: { b: { a: 7 } },
  },
  ...(
    [
      [{ dependentRequired: { a: ['b'] } }, { a: 7 }],
      [{ dependentSchemas: { a: { required: ['b'] } } }, { a: 7 }],
      [{ prefixItems: [{ type: 'string' }] }, [7]],
      [{ contains: { type: 'integer' }, minContains: 2 }, [7]],
    ] as const
  ).map(([keywords, written]) => ({
    what: `${Object.keys(keywords).join(' and ')}: unknown to the older draft, and known to the newer one`,
    writer: [{ $schema: 'http://json-schema.org/draft-07/schema#', ...keywords }] as const,
    reader: [{ $schema: 'https://json-schema.org/draft/2020-12/schema', ...keywords }] as const,
    written,
  })),
];

function bothOf(root: (limit: number) => JsonValue): {
  readonly writer: readonly [JsonValue];
  readonly reader: readonly [JsonValue];
} {
  return { writer: [root(9)], reader: [root(5)] };
}

for (const { what, writer: before, reader: after, written } of breaking)
  test(`${what}: not compatible`, async () => {
    const [writer, reader] = [schema(...before), schema(...after)];
    assert.deepEqual(writer.validate(written, 1), []);
    assert.equal(reader.validate(written, 1).length, 1);
    const open = jsonEngine.compare(reader, writer).differences.filter(({ data }) => data === 'may-break');
    assert.notEqual(open.length, 0);
    for (const difference of open)
      assert.notEqual(
        await jsonEngine.findWitness(reader, writer, difference, { seed: 1, timeMs: 30_000 }),
        null,
        difference.code,
      );
  });

for (const branch of ['then', 'else'])
  test(`what the same ${branch} refers to may be widened`, () => {
    const { writer, reader } = bothOf((limit) => ({
      if: { required: ['a'] },
      [branch]: { $ref: '#/definitions/x' },
      definitions: { x: { properties: { b: { minimum: limit } } } },
    }));
    assert.deepEqual(jsonEngine.compare(schema(...reader), schema(...writer)).differences, []);
  });

test('a keyword of which no verdict is sure is told of in a referenced file too', () => {
  const tree = schema(
    { $ref: 'tree.json' },
    { 'tree.json': { items: { $dynamicRef: '#node' }, $dynamicAnchor: 'node' } },
  );
  assert.match(jsonEngine.compare(tree, tree).unproved.join(), /^tree\.json uses \$dynamicRef/);
});

test('what stands beside a $ref means nothing up to draft-07, in a referenced file too', () => {
  const beside = {
    definitions: { x: { type: 'integer' } },
    properties: { a: { $ref: '#/definitions/x', maximum: 5 } },
  };
  const root = (draft: string) => ({ $schema: draft, $ref: 'x.json' });
  const [old, recent] = [
    'http://json-schema.org/draft-07/schema#',
    'https://json-schema.org/draft/2020-12/schema',
  ];
  assert.deepEqual(schema(root(old), { 'x.json': beside }).validate({ a: 7 }, 1), []);
  assert.equal(schema(root(old), { 'x.json': beside }).validate({ a: 'x' }, 1).length, 1);
  assert.equal(schema(root(recent), { 'x.json': beside }).validate({ a: 7 }, 1).length, 1);
  // The file's own draft counts, where it says one.
  assert.equal(
    schema(root(old), { 'x.json': { $schema: recent, ...beside } }).validate({ a: 7 }, 1).length,
    1,
  );
});

test('a referenced file whose root is a $ref is found by its $id', () => {
  const file = {
    $id: 'https://example.com/x',
    $ref: '#/definitions/x',
    definitions: { x: { type: 'integer' } },
  };
  const whole = schema({ properties: { a: { $ref: 'https://example.com/x' } } }, { 'x.json': file });
  assert.deepEqual(whole.validate({ a: 7 }, 1), []);
  assert.equal(whole.validate({ a: 'x' }, 1).length, 1);
});

const draft04 = 'http://json-schema.org/draft-04/schema#';
const draft07 = 'http://json-schema.org/draft-07/schema#';
const draft2020 = 'https://json-schema.org/draft/2020-12/schema';

for (const [what, before, after] of [
  [
    'without $schema, a keyword of newer drafts is added inside',
    [{ properties: { p: { type: 'object' } } }],
    [{ properties: { p: { type: 'object', dependentRequired: { a: ['b'] } } } }],
  ],
  [
    'a referenced file that says a newer draft gains a keyword that the draft of the whole does not know',
    [{ $schema: draft07, $ref: 'x.json' }, { 'x.json': { $schema: draft2020, type: 'object' } }],
    [
      { $schema: draft07, $ref: 'x.json' },
      { 'x.json': { $schema: draft2020, type: 'object', dependentRequired: { a: ['b'] } } },
    ],
  ],
  [
    'a file refers back to the schema that refers to it, and leads to what was narrowed there',
    ...([9, 5] as const).map(
      (limit) =>
        [
          {
            $id: 'https://example.com/m',
            properties: { a: { $ref: 'https://example.com/x' } },
            definitions: { y: { maximum: limit } },
          },
          {
            'x.json': {
              $id: 'https://example.com/x',
              properties: { b: { $ref: 'https://example.com/m#/definitions/y' } },
            },
          },
        ] as const,
    ),
  ],
  [
    'a keyword that the older draft does not know, and that some read as if it did',
    [{ $schema: draft04, properties: { a: { const: 1 } } }],
    [{ $schema: draft07, properties: { a: { const: 1 } } }],
  ],
] as readonly (readonly [
  what: string,
  writer: readonly [root: JsonValue, files?: Files],
  reader: readonly [root: JsonValue, files?: Files],
])[])
  test(`${what}: never compatible in silence`, () => {
    const { differences, unproved } = jsonEngine.compare(schema(...after), schema(...before));
    assert.ok(differences.some(({ data }) => data === 'may-break') || unproved.length > 0);
  });

test('schemas that say no draft are both read as the newer one where they use it inside', () => {
  const inside = { properties: { p: { prefixItems: [{ type: 'string' }] } } };
  const { differences, unproved } = jsonEngine.compare(schema({ ...inside, $defs: {} }), schema(inside));
  assert.deepEqual([differences, unproved], [[], []]);
});

test('two schemas of one draft are compared without a doubt, whatever the draft knows', () => {
  for (const $schema of [draft04, draft07, draft2020]) {
    const both = schema({ $schema, properties: { a: { const: 1 } } });
    const { differences, unproved } = jsonEngine.compare(both, both);
    assert.deepEqual([differences, unproved], [[], []]);
  }
});

test('up to draft-07 the $id beside a $ref is no base for it', () => {
  const order = schema(
    { $schema: draft07, $id: 'https://example.com/order.json', $ref: 'common.json#/definitions/Order' },
    { 'common.json': { definitions: { Order: { type: 'object' } } } },
  );
  assert.deepEqual(order.validate({}, 1), []);
  assert.equal(order.validate(7, 1).length, 1);
});
