import type avsc from 'avsc';
import { errorText } from '../../errors.ts';
import type { JsonValue } from '../../message/record.ts';
import type { Decoded, Schema, SchemaSource, Violation } from '../engine.ts';
import { PayloadError } from '../errors.ts';
import { ItemBudget, jsonType } from './avsc-types.ts';
import { examine } from './examine.ts';
import { isNamed, isRecursive, type AvroType } from './model.ts';
import { parseAvro } from './parse.ts';
import { writeValue } from './write.ts';

/** A parsed schema and its codec, which is compiled when the first payload comes. */
export class AvroSchema implements Schema {
  readonly format = 'avro';
  readonly source: SchemaSource;
  readonly type: AvroType;
  readonly #budget = new ItemBudget();
  /** Whether only a payload that was examined may be decoded: its depth is bounded by nothing else. */
  readonly #examinesFirst: boolean;
  #codec: avsc.Type | null = null;

  constructor(source: SchemaSource) {
    this.source = source;
    this.type = parseAvro(source);
    this.#examinesFirst = isRecursive(this.type);
  }

  get name(): string | null {
    return isNamed(this.type) ? this.type.name : null;
  }

  decode(payload: Uint8Array): Decoded {
    if (this.#examinesFirst) this.#refuseProblem(payload);
    this.#codec ??= jsonType(this.type, this.#budget);
    this.#budget.refill();
    const bytes = Buffer.isBuffer(payload)
      ? payload
      : Buffer.from(payload.buffer, payload.byteOffset, payload.byteLength);
    let decoded: { readonly value: JsonValue; readonly offset: number };
    try {
      decoded = this.#codec.decode(bytes);
    } catch (error) {
      this.#refuseProblem(payload);
      throw new PayloadError('refused', errorText(error), { cause: error });
    }
    if (decoded.offset === -1) {
      this.#refuseProblem(payload);
      throw new PayloadError('truncated', 'the bytes end within the value');
    }
    return { value: decoded.value, trailing: bytes.length - decoded.offset, type: this.name };
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
  #refuseProblem(payload: Uint8Array): void {
    const { problem } = examine(this.type, payload);
    if (problem === null) return;
    const { code, dataPointer, message } = problem;
    throw new PayloadError(code, dataPointer === '' ? message : `at ${dataPointer}: ${message}`);
  }
}
