/** The schema reduced to what a reader needs (Avro specification, "Transforming into Parsing Canonical Form"), and its hash. */
import { isNamed, type AvroType } from './model.ts';

/** Names are full, attributes in the order of the specification, everything else is gone. */
export function canonicalForm(root: AvroType): string {
  const written = new Set<AvroType>();
  const form = (type: AvroType): string => {
    if (isNamed(type)) {
      if (written.has(type)) return JSON.stringify(type.name);
      written.add(type);
    }
    switch (type.kind) {
      case 'record': {
        const fields = type.fields.map((field) => `{"name":"${field.name}","type":${form(field.type)}}`);
        return `{"name":"${type.name}","type":"record","fields":[${fields.join(',')}]}`;
      }
      case 'enum':
        return `{"name":"${type.name}","type":"enum","symbols":${JSON.stringify(type.symbols)}}`;
      case 'fixed':
        return `{"name":"${type.name}","type":"fixed","size":${type.size.toString()}}`;
      case 'array':
        return `{"type":"array","items":${form(type.items)}}`;
      case 'map':
        return `{"type":"map","values":${form(type.values)}}`;
      case 'union':
        return `[${type.branches.map(form).join(',')}]`;
      case 'null':
      case 'boolean':
      case 'int':
      case 'long':
      case 'float':
      case 'double':
      case 'bytes':
      case 'string':
        return `"${type.kind}"`;
    }
  };
  return form(root);
}

const empty = 0xc15d213aa4d7a795n;
const table = Array.from({ length: 256 }, (_, byte) => {
  let hash = BigInt(byte);
  for (let bit = 0; bit < 8; bit += 1) hash = (hash >> 1n) ^ ((hash & 1n) === 0n ? 0n : empty);
  return hash;
});

/** CRC-64-AVRO of a canonical form (specification, "Schema Fingerprints"), from 0 to 2^64. */
export function fingerprintOf(canonical: string): bigint {
  let hash = empty;
  for (const byte of Buffer.from(canonical, 'utf8'))
    hash = (hash >> 8n) ^ (table[Number(hash & 0xffn) ^ byte] ?? 0n);
  return hash;
}
