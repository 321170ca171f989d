/** Schemas from samples: what all of them show, and how many speak for each part of it. */
import type { SchemaFormat } from '../engine.ts';
import { engineOf } from '../engines.ts';
import { violationsOf } from '../violations.ts';
import { inferAvro, type InferredSchema } from './avro.ts';
import { evidenceOf, type PlaceEvidence } from './evidence.ts';
import { inferJsonSchema, type InferJsonOptions } from './json-schema.ts';
import { Observation, PlaceBudget } from './observation.ts';
import { parseSample } from './sample.ts';

/** The formats that samples of JSON can be turned into. */
export const inferredFormats = ['json', 'avro'] as const satisfies readonly SchemaFormat[];
export type InferredFormat = (typeof inferredFormats)[number];

export interface Inferred extends InferredSchema {
  readonly evidence: readonly PlaceEvidence[];
  /** Of those samples that were kept for it: how many are valid by the schema, as the validator of its format says. */
  readonly checked: { readonly samples: number; readonly valid: number };
}

/** So many bytes of samples are kept, to hold the finished schema against them. */
const keptBytes = 16 * 1024 * 1024;

export class Inference {
  readonly #root = new Observation(new PlaceBudget());
  readonly #kept: Uint8Array[] = [];
  #room = keptBytes;

  /** How many samples were taken. */
  get samples(): number {
    return this.#root.seen;
  }

  /** false: it is no JSON, and left out. */
  add(bytes: Uint8Array): boolean {
    const sample = parseSample(bytes);
    if (sample === null) return false;
    this.#root.add(sample.value);
    if (bytes.length <= this.#room) {
      this.#room -= bytes.length;
      this.#kept.push(bytes);
    }
    return true;
  }

  async result(format: InferredFormat, options: InferJsonOptions): Promise<Inferred> {
    const inferred =
      format === 'avro' ? inferAvro(this.#root, options) : inferJsonSchema(this.#root, options);
    const engine = await engineOf(format);
    const text = JSON.stringify(inferred.schema);
    const schema = engine.parse({ name: 'the inferred schema', text, references: [] });
    const valid = this.#kept.filter(
      (bytes) => violationsOf(schema, { bytes, headers: [], part: 'value' }, 1).length === 0,
    ).length;
    return {
      ...inferred,
      evidence: evidenceOf(this.#root),
      checked: { samples: this.#kept.length, valid },
    };
  }
}
