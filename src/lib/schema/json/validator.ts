/** ajv, by draft. Strict mode is off: a schema of a registry may hold what ajv does not know. Nothing is fetched. */
import { Ajv, type ErrorObject, type Options, type ValidateFunction } from 'ajv';
import { Ajv2019 } from 'ajv/dist/2019.js';
import { Ajv2020 } from 'ajv/dist/2020.js';
import ajvDraft04 from 'ajv-draft-04';
import { createRequire } from 'node:module';

import { errorText } from '../../errors.ts';
import type { JsonValue } from '../../message/record.ts';
import type { Violation } from '../engine.ts';
import { InvalidSchemaError, PayloadError } from '../errors.ts';
import { bounded, TimeOverError } from './bounded.ts';
import { isObject, type Draft, type JsonSchema, type SchemaDocument } from './document.ts';
import { withoutEmptyEnums } from './empty-enum.ts';

/** For one value. A pattern that needs longer hangs. */
const validateTimeMs = 1_000;
const compileTimeMs = 20_000;

export class Validator {
  readonly #name: string;
  readonly #validate: ValidateFunction;

  /** Throws `InvalidSchemaError`. */
  constructor(document: SchemaDocument) {
    this.#name = document.source.name;
    try {
      this.#validate = bounded(() => compile(document), compileTimeMs);
    } catch (thrown) {
      throw new InvalidSchemaError(document.source.name, reasonOf(thrown), null, hintOf(thrown));
    }
  }

  accepts(value: JsonValue): boolean {
    return this.violations(value, 1).length === 0;
  }

  /** Throws `PayloadError` where a pattern does not end, or the schema refers to itself without a way out. */
  violations(value: JsonValue, limit: number): readonly Violation[] {
    try {
      if (bounded(() => this.#validate(value), validateTimeMs)) return [];
    } catch (thrown) {
      if (thrown instanceof TimeOverError)
        throw new PayloadError(
          'pattern-hangs',
          `${this.#name}: a pattern did not come to an end on this value`,
        );
      if (thrown instanceof RangeError)
        throw new PayloadError(
          'endless-reference',
          `${this.#name}: a $ref leads to itself, or the value nests too deep`,
        );
      throw thrown;
    }
    return (this.#validate.errors ?? []).slice(0, limit).map(violationOf);
  }
}

function compile({ source, schema, draft, others }: SchemaDocument): ValidateFunction {
  checkAgainstDraft(schema, draft);
  const whole = forAjv(schema, source.text);
  if (isObject(whole) && others.size === 0 && !/"(?:\$id|id|\$anchor|\$dynamicAnchor)"/.test(source.text)) {
    const ajv = sharedAjv(draft);
    try {
      return ajv.compile(whole);
    } finally {
      ajv.removeSchema(whole);
    }
  }
  const ajv = ajvFor(draft, options);
  for (const [name, other] of others) {
    if (ajv.getSchema(name) !== undefined) continue;
    const id = isObject(other) ? other['$id'] : undefined;
    ajv.addSchema(withoutEmptyEnums(other), id === name ? undefined : name);
  }
  return ajv.compile(whole);
}

function forAjv(schema: JsonSchema, text: string): JsonSchema {
  if (!isObject(schema)) return schema;
  const whole = withoutFragment(schema);
  return /"enum"\s*:\s*\[\s*\]/.test(text) ? withoutEmptyEnums(whole) : whole;
}

/** The trailing `#` of older `$id`s and `$schema`s, which mean the same without it, stops ajv. */
function withoutFragment(schema: Exclude<JsonSchema, boolean>): Exclude<JsonSchema, boolean> {
  const said = schema['$schema'];
  if (typeof said !== 'string') return schema;
  const canonical = knownMetaSchemas.find((known) => said.replace(/^https:/, 'http:').startsWith(known));
  if (canonical === undefined) return schema;
  return {
    ...schema,
    $schema: canonical.startsWith('http://json-schema.org/draft-0')
      ? `${canonical}#`
      : canonical.replace(/^http:/, 'https:'),
  };
}

const knownMetaSchemas = [
  'http://json-schema.org/draft-04/schema',
  'http://json-schema.org/draft-06/schema',
  'http://json-schema.org/draft-07/schema',
  'http://json-schema.org/draft/2019-09/schema',
  'http://json-schema.org/draft/2020-12/schema',
];

const options: Options = {
  strict: false,
  allErrors: true,
  validateFormats: false,
  logger: false,
  ownProperties: true,
  validateSchema: false,
  code: { regExp: Object.assign(regExp, { code: 'regExp' }) },
};

/** By the specification's Unicode rules where the pattern follows them; many in use do not. */
function regExp(pattern: string, flags: string): RegExp {
  try {
    return new RegExp(pattern, flags);
  } catch {
    return new RegExp(pattern, flags.replace('u', ''));
  }
}

/** After draft-04 `id` is a word like any other; ajv refuses it. */
function withPlainId<Validator extends Ajv | Ajv2019 | Ajv2020>(ajv: Validator): Validator {
  ajv.removeKeyword('id');
  return ajv;
}

const requireJson = createRequire(import.meta.url);

const shared = new Map<Draft, Ajv | Ajv2019 | Ajv2020>();

/** For schemas that give nothing a name: making an ajv takes longer than most schemas. */
function sharedAjv(draft: Draft): Ajv | Ajv2019 | Ajv2020 {
  const known = shared.get(draft);
  const ajv = known ?? ajvFor(draft, options);
  shared.set(draft, ajv);
  return ajv;
}

/** Compiling a draft's own schema is most of the work: once for each draft. */
const metaValidators = new Map<Draft, Ajv | Ajv2019 | Ajv2020>();

function checkAgainstDraft(schema: JsonSchema, draft: Draft): void {
  const known = metaValidators.get(draft);
  const ajv = known ?? ajvFor(draft, { ...options, allErrors: false });
  metaValidators.set(draft, ajv);
  const whole = isObject(schema) ? withoutFragment(schema) : schema;
  if (ajv.validateSchema(whole) === true) return;
  const [error] = ajv.errors ?? [];
  if (error !== undefined)
    throw new TypeError(`${error.instancePath || 'the schema'} ${error.message ?? 'is not valid'}`);
}

function ajvFor(draft: Draft, options: Options): Ajv | Ajv2019 | Ajv2020 {
  switch (draft) {
    case 'draft-04':
      return new ajvDraft04.default(options);
    case 'draft-06': {
      const ajv = withPlainId(new Ajv(options));
      const meta: unknown = requireJson('ajv/dist/refs/json-schema-draft-06.json');
      if (typeof meta === 'object' && meta !== null) ajv.addMetaSchema(meta);
      return ajv;
    }
    case 'draft-07':
      return withPlainId(new Ajv(options));
    case '2019-09':
      return withPlainId(new Ajv2019(options));
    case '2020-12':
      return withPlainId(new Ajv2020(options));
  }
}

function violationOf(error: ErrorObject): Violation {
  const hash = error.schemaPath.indexOf('#');
  return {
    code: error.keyword,
    dataPointer: error.instancePath,
    schemaPointer: hash < 0 ? null : decodeURIComponent(error.schemaPath.slice(hash + 1)),
    message: error.message ?? 'it is not valid',
  };
}

function reasonOf(thrown: unknown): string {
  if (thrown instanceof TimeOverError) return 'it could not be compiled in time';
  if (thrown instanceof RangeError) return 'it nests too deep, or refers to itself without a way out';
  const text = errorText(thrown);
  const missing = /can't resolve reference (\S+)/.exec(text)?.[1];
  return missing === undefined ? text : `it refers to ${missing}, which was not given`;
}

function hintOf(thrown: unknown): { readonly hint: string } | undefined {
  return errorText(thrown).includes("can't resolve reference")
    ? { hint: 'give that schema as a reference: nothing is fetched' }
    : undefined;
}
