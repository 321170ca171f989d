import type { FormatEngine, Schema } from '../engine.ts';
import { AvroDifference, compareAvro } from './compare.ts';
import { avroElements } from './elements.ts';
import { AvroSchema } from './schema.ts';

export const avroEngine: FormatEngine = {
  format: 'avro',
  parse: (source) => new AvroSchema(source),
  elements: (schema) => avroElements(ours(schema).type),
  compare: (reader, writer) => ({
    differences: compareAvro(ours(reader).type, ours(writer).type),
    unproved: [],
  }),
  findWitness: async (reader, writer, difference, search) => {
    if (!(difference instanceof AvroDifference)) return null;
    const { findAvroWitness } = await import('./witness.ts');
    return findAvroWitness(ours(reader).type, ours(writer).type, difference, search);
  },
};

function ours(schema: Schema): AvroSchema {
  if (schema instanceof AvroSchema) return schema;
  throw new TypeError(`"${schema.source.name}" is no schema of the Avro engine`);
}
