/** The records that the bench of Avro decodes: each shape with a thousand samples, so that no two in a row are alike. */
import type avsc from 'avsc';

type AvroSchema = Parameters<typeof avsc.Type.forSchema>[0];

export interface Shape {
  readonly schema: AvroSchema;
  /** The value of the sample with this number. */
  readonly sample: (index: number) => unknown;
}

const field = (name: string, type: AvroSchema) => ({ name, type });
const maybeText = (index: number): string | null => (index % 2 === 0 ? null : 'note');
const timestamp = (index: number): number => 1_795_000_000_000 + index * 977;

/** A bit of all that is common. */
const order: Shape = {
  schema: {
    type: 'record',
    name: 'Order',
    fields: [
      field('id', 'long'),
      field('customer', 'string'),
      field('total', 'double'),
      field('note', ['null', 'string']),
      field('lines', { type: 'array', items: 'int' }),
      field('paid', 'boolean'),
    ],
  },
  sample: (index) => ({
    id: index,
    customer: `customer-${index.toString()}`,
    total: index / 7,
    note: maybeText(index),
    lines: [1, 2, index],
    paid: true,
  }),
};

/** Records in records, a list of them, a map, an enum, and unions that hold records. */
const nested: Shape = {
  schema: {
    type: 'record',
    name: 'Shipment',
    fields: [
      field('at', 'long'),
      field('state', { type: 'enum', name: 'State', symbols: ['NEW', 'SENT', 'LOST', 'DONE'] }),
      field('from', {
        type: 'record',
        name: 'Address',
        fields: [field('street', 'string'), field('town', 'string'), field('zip', ['null', 'string'])],
      }),
      field('to', ['null', 'Address']),
      field('parcels', {
        type: 'array',
        items: {
          type: 'record',
          name: 'Parcel',
          fields: [field('code', 'string'), field('grams', 'int'), field('fragile', 'boolean')],
        },
      }),
      field('labels', { type: 'map', values: 'string' }),
      field('reference', ['null', 'string', 'long']),
    ],
  },
  sample: (index) => ({
    at: timestamp(index),
    state: ['NEW', 'SENT', 'LOST', 'DONE'][index % 4],
    from: { street: `Langstraße ${index.toString()}`, town: 'Zürich', zip: '8004' },
    to: index % 3 === 0 ? null : { street: 'Via Roma 12', town: 'Torino', zip: null },
    parcels: [
      { code: `P-${index.toString()}`, grams: index * 13, fragile: index % 2 === 0 },
      { code: 'P-0', grams: 250, fragile: false },
    ],
    labels: { priority: 'high', tenant: `t${(index % 10).toString()}` },
    reference: [null, 'r-77', timestamp(index)][index % 3],
  }),
};

/** Forty fields of eight types, half of them optional: what tables become when their changes are sent. */
const wide: Shape = {
  schema: {
    type: 'record',
    name: 'Row',
    fields: Array.from({ length: 5 }, (_, group) => {
      const name = (kind: string): string => `${kind}_${group.toString()}`;
      return [
        field(name('key'), 'long'),
        field(name('text'), 'string'),
        field(name('amount'), 'double'),
        field(name('flag'), 'boolean'),
        field(name('optional_text'), ['null', 'string']),
        field(name('optional_long'), ['null', 'long']),
        field(name('optional_int'), ['null', 'int']),
        field(name('optional_double'), ['null', 'double']),
      ];
    }).flat(),
  },
  sample: (index) =>
    Object.fromEntries(
      Array.from({ length: 5 }, (_, group) => {
        const name = (kind: string): string => `${kind}_${group.toString()}`;
        const number = index * 5 + group;
        const fields: [string, unknown][] = [
          [name('key'), number * 104_729],
          [name('text'), `value ${number.toString()}`],
          [name('amount'), number / 3],
          [name('flag'), number % 2 === 0],
          [name('optional_text'), maybeText(number)],
          [name('optional_long'), number % 3 === 0 ? null : timestamp(number)],
          [name('optional_int'), number % 5 === 0 ? null : number],
          [name('optional_double'), number % 2 === 0 ? null : number / 9],
        ];
        return fields;
      }).flat(),
    ),
};

/** Numbers of all sizes, bytes and longer texts. */
const event: Shape = {
  schema: {
    type: 'record',
    name: 'Event',
    fields: [
      field('trace', { type: 'fixed', name: 'Trace', size: 16 }),
      field('at', 'long'),
      field('sequence', 'long'),
      field('level', 'int'),
      field('load', 'float'),
      field('body', 'bytes'),
      field('text', 'string'),
      field('values', { type: 'array', items: 'double' }),
      field('counts', { type: 'map', values: 'long' }),
    ],
  },
  sample: (index) => ({
    trace: Buffer.alloc(16, index),
    at: timestamp(index),
    sequence: index * 1_000_003_337,
    level: index % 8,
    load: index / 10,
    body: Buffer.alloc(24, index),
    text: `worker ${index.toString()} took longer than it may: it was asked again, and answered after a while`,
    values: [index / 3, 0.5, -index],
    counts: { hits: index, misses: 3, bytes: index * 1_000_000 },
  }),
};

/** A record that holds its own kind, seven in a tree. */
const tree: Shape = {
  schema: {
    type: 'record',
    name: 'Category',
    fields: [
      field('id', 'long'),
      field('name', 'string'),
      field('parent', ['null', 'Category']),
      field('children', { type: 'array', items: 'Category' }),
    ],
  },
  sample: (index) => category(index, 2),
};

function category(id: number, levels: number): unknown {
  const children = levels === 0 ? [] : [category(id * 2, levels - 1), category(id * 2 + 1, levels - 1)];
  return { id, name: `category ${id.toString()}`, parent: null, children };
}

export const shapes: Readonly<Record<string, Shape>> = { order, nested, wide, event, tree };

/** A process that decodes all shapes in turn: what V8 compiled for one of them serves the others. */
export const allInTurn = 'all in turn';
