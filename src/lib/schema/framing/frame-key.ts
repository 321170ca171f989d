/** What a frame of each kind that can be chosen carries of a schema. */
import { FailedError, UsageError } from '../../errors.ts';
import type { Schema } from '../engine.ts';
import { travelOf } from '../engines.ts';
import type { ChosenFraming } from './chosen-framings.ts';
import type { SchemaKey } from './framing.ts';

/** A schema, and by what its registry knows it; no keys: it is a file. */
export interface KeyedSchema {
  readonly schema: Schema;
  readonly keys: readonly SchemaKey[];
}

/** The first that the registry said is written: Confluent's own clients write a GUID where there is one. */
const carried: Readonly<Record<Exclude<ChosenFraming, 'avro-single-object'>, readonly SchemaKey['by'][]>> = {
  confluent: ['id'],
  'confluent-header': ['guid', 'id'],
  apicurio: ['global-id'],
  'apicurio-header': ['content-id', 'global-id'],
};

/** Throws `UsageError` where the format has no such frame or a file has no id, `FailedError` where the registry said none. */
export function frameKey(kind: ChosenFraming, { schema, keys }: KeyedSchema): SchemaKey {
  const { format, fingerprint, source } = schema;
  if (kind === 'avro-single-object') {
    if (fingerprint !== null) return { by: 'avro-fingerprint', value: fingerprint };
    throw new UsageError(`${source.name} is of format ${format}, and a single object is one of Avro`);
  }
  // Its frames name the message of a Protobuf file in a way of their own.
  if (travelOf(format).indexed && kind.startsWith('apicurio'))
    throw new UsageError(`${format} is not written in the frame ${kind}`, {
      hint: 'say --framing confluent, which the clients of Apicurio read with their Confluent id handler',
    });
  if (keys.length === 0)
    throw new UsageError(
      `the schema ${source.name} is a file, so there is no id to send with what it encodes`,
      { hint: 'name a subject of the registry, or only check: --validate' },
    );
  for (const by of carried[kind]) {
    const key = keys.find((known) => known.by === by);
    if (key !== undefined) return key;
  }
  const missing = carried[kind].map((by) => by.replace('-', ' ')).join(' or ');
  throw new FailedError(`the registry does not say the ${missing} of ${source.name}`, {
    code: 'REGISTRY',
    hint: 'its own API may: Apicurio has it at /apis/registry/v3',
  });
}
