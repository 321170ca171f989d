import type { FormatEngine, Schema, SchemaSource } from '../engine.ts';
import { compareAvro } from './compare.ts';
import { isNamed, type AvroType } from './model.ts';
import { parseAvro } from './parse.ts';

export class AvroSchema implements Schema {
  readonly format = 'avro';
  readonly source: SchemaSource;
  readonly type: AvroType;

  constructor(source: SchemaSource) {
    this.source = source;
    this.type = parseAvro(source).type;
  }

  get name(): string | null {
    return isNamed(this.type) ? this.type.name : null;
  }
}

export const avroEngine: FormatEngine = {
  format: 'avro',
  parse: (source) => new AvroSchema(source),
  compare: (reader, writer) => compareAvro(avro(reader).type, avro(writer).type),
};

function avro(schema: Schema): AvroSchema {
  if (schema instanceof AvroSchema) return schema;
  throw new TypeError(`"${schema.source.name}" is no schema of the Avro engine`);
}
