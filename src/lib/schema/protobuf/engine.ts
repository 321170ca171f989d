/** Protocol Buffers: files of proto2, proto3 and editions; the payload is one message, which the framing's indexes name. */
import type { JsonValue } from '../../message/record.ts';
import type {
  Decoded,
  FormatEngine,
  PayloadHints,
  Schema,
  SchemaSource,
  Violation,
  WitnessSearch,
} from '../engine.ts';
import { PayloadError } from '../errors.ts';
import type { Comparison, Difference, Witness } from '../finding.ts';
import { compareFiles } from './compare.ts';
import { decodeMessage, describeProblem, encodeMessage, validateJsonForm, wireProblems } from './codec.ts';
import { protobufElements } from './elements.ts';
import type { MessageType, ProtoFile } from './model.ts';
import { readProto } from './read-proto.ts';
import { findWitness } from './witness.ts';

class ProtobufSchema implements Schema {
  readonly format = 'protobuf';
  readonly source: SchemaSource;
  readonly fingerprint = null;
  readonly file: ProtoFile;

  constructor(source: SchemaSource) {
    this.source = source;
    this.file = readProto(source);
  }

  get name(): string | null {
    return this.file.messages[0]?.fullName ?? null;
  }

  decode(payload: Uint8Array, hints?: PayloadHints, start = 0): Decoded {
    const type = this.#message(hints);
    return { value: decodeMessage(type, payload.subarray(start)), trailing: 0, type: type.fullName };
  }

  encode(value: JsonValue, hints?: PayloadHints): Uint8Array {
    return encodeMessage(this.#message(hints), value);
  }

  validate(value: JsonValue, limit: number): readonly Violation[] {
    return validateJsonForm(this.#message(), value, limit);
  }

  validatePayload(payload: Uint8Array, limit: number, hints?: PayloadHints): readonly Violation[] {
    const type = this.#message(hints);
    return wireProblems(type, payload, limit).map((problem) => ({
      code: problem.code,
      dataPointer: problem.pointer,
      schemaPointer: null,
      message: describeProblem(type, problem),
    }));
  }

  /** Each index counts the messages at its level. */
  #message(hints?: PayloadHints): MessageType {
    const indexes = hints?.messageIndexes ?? [0];
    let messages = this.file.messages;
    let found: MessageType | undefined;
    for (const index of indexes) {
      found = messages[index];
      if (found === undefined)
        throw new PayloadError(
          'message-index',
          `${this.source.name} has no message with the index ${indexes.join('.')}`,
          { hint: `it has ${this.file.messages.length.toString()} at its top` },
        );
      messages = found.messages;
    }
    if (found !== undefined) return found;
    throw new PayloadError('message-index', `no index says which message of ${this.source.name} it is`);
  }
}

export const protobufEngine = {
  format: 'protobuf' as const,
  parse: (source: SchemaSource) => new ProtobufSchema(source),
  elements: (schema: Schema) => protobufElements(sideOf(schema).file),
  compare: (reader: Schema, writer: Schema): Comparison => compareFiles(sideOf(reader), sideOf(writer)),
  findWitness: async (
    reader: Schema,
    writer: Schema,
    difference: Difference,
    search: WitnessSearch,
  ): Promise<Witness | null> => findWitness(sideOf(reader).file, sideOf(writer).file, difference, search),
} satisfies FormatEngine;

function sideOf(schema: Schema): { readonly name: string; readonly file: ProtoFile } {
  if (!(schema instanceof ProtobufSchema)) throw new TypeError(`${schema.source.name} is no Protobuf schema`);
  return { name: schema.source.name, file: schema.file };
}
