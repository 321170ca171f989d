import { errorText } from '../../errors.ts';
import type { JsonValue } from '../../message/record.ts';
import type { Decoded, PayloadHints, Schema, SchemaSource, Violation } from '../engine.ts';
import { PayloadError } from '../errors.ts';
import { canonicalForm, fingerprintOf } from './canonical-form.ts';
import { examine } from './examine.ts';
import { JsonReader } from './json-reader.ts';
import { isNamed, type AvroType } from './model.ts';
import { parseAvro } from './parse.ts';
import { writeValue } from './write.ts';

/** A parsed schema and its codec, which is compiled when the first payload comes. */
export class AvroSchema implements Schema {
  readonly format = 'avro';
  readonly source: SchemaSource;
  readonly type: AvroType;
  readonly name: string | null;
  #reader: JsonReader | null = null;
  #fingerprint: string | null = null;

  constructor(source: SchemaSource) {
    this.source = source;
    this.type = parseAvro(source);
    this.name = isNamed(this.type) ? this.type.name : null;
  }

  get fingerprint(): string {
    this.#fingerprint ??= fingerprintOf(canonicalForm(this.type)).toString(16).padStart(16, '0');
    return this.#fingerprint;
  }

  decode(payload: Uint8Array, _hints?: PayloadHints, start = 0): Decoded {
    const reader = (this.#reader ??= new JsonReader(this.type));
    const bytes = Buffer.isBuffer(payload) ? payload : bufferOf(payload);
    let value: JsonValue;
    try {
      value = reader.read(bytes, start);
    } catch (error) {
      this.#refuseProblem(payload, start);
      throw new PayloadError('refused', errorText(error), { cause: error });
    }
    return { value, trailing: bytes.length - reader.end, type: this.name };
  }

  encode(value: JsonValue): Uint8Array {
    const { violations, bytes } = writeValue(this.type, value, 1);
    const [first] = violations;
    if (first === undefined) return bytes;
    throw new PayloadError(
      first.code,
      first.dataPointer === '' ? first.message : `at ${first.dataPointer}: ${first.message}`,
    );
  }

  validate(value: JsonValue, limit: number): readonly Violation[] {
    return writeValue(this.type, value, limit).violations;
  }

  validatePayload(payload: Uint8Array, limit: number): readonly Violation[] {
    const { problem, end } = examine(this.type, payload);
    if (limit < 1) return [];
    if (problem !== null) return [problem];
    const trailing = payload.length - end;
    if (trailing === 0) return [];
    const message = `${trailing.toString()} bytes follow the value`;
    return [{ code: 'trailing-bytes', dataPointer: '', schemaPointer: null, message }];
  }

  /** Says what is wrong, and where in the data. */
  #refuseProblem(payload: Uint8Array, start: number): void {
    const { problem } = examine(this.type, payload.subarray(start));
    if (problem === null) return;
    const { code, dataPointer, message } = problem;
    throw new PayloadError(code, dataPointer === '' ? message : `at ${dataPointer}: ${message}`);
  }
}

function bufferOf(bytes: Uint8Array): Buffer {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
}
