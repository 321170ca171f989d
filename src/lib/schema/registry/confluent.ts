/** The API of Confluent's registry, which Karapace, Redpanda and Apicurio (`/apis/ccompat/v7`) speak as well. */
import { AnswerIsNoError, FailedError } from '../../errors.ts';
import { formatOfRegistry, travelOf } from '../engines.ts';
import type { SchemaKey } from '../framing/framing.ts';
import { compatibilityModes, type CompatibilityMode } from '../mode.ts';
import { wordsOf, type HttpAnswer, type RegistryHttp } from './http.ts';
import {
  keysOf,
  listOf,
  noRegistry,
  objectOf,
  parseAnswer,
  saysNotThere,
  textOf,
  type JsonObject,
} from './json.ts';
import type { ReferenceTo, RegisterRequest, RegisteredSchema, SchemaRegistry } from './registry.ts';

export class ConfluentRegistry implements SchemaRegistry {
  /** A GUID since its release 8; Apicurio has none, and answers here for its content ids only. */
  readonly finds = ['id', 'content-id', 'guid'] as const;
  readonly #http: RegistryHttp;

  constructor(http: RegistryHttp) {
    this.#http = http;
  }

  get address(): string {
    return this.#http.address;
  }

  async byKey({ by, value }: SchemaKey, signal: AbortSignal): Promise<RegisteredSchema | null> {
    if (by === 'guid') return this.#schema(`/schemas/guids/${encodeURIComponent(value)}`, null, signal);
    // Other keys are of other registries.
    if (by !== 'id' && by !== 'content-id') return null;
    return this.#schema(`/schemas/ids/${encodeURIComponent(value)}`, value, signal);
  }

  async subjects(signal: AbortSignal): Promise<readonly string[]> {
    const answer = await this.#get('/subjects', signal);
    if (answer === null) throw noRegistry(this.address, 'it has no list of subjects');
    return listOf(answer).flatMap((subject) => textOf(subject) ?? []);
  }

  async versions(subject: string, signal: AbortSignal): Promise<readonly string[] | null> {
    const answer = await this.#get(`/subjects/${encodeURIComponent(subject)}/versions`, signal);
    return answer === null ? null : listOf(answer).flatMap((version) => textOf(version) ?? []);
  }

  async version(subject: string, version: string, signal: AbortSignal): Promise<RegisteredSchema | null> {
    const path = `/subjects/${encodeURIComponent(subject)}/versions/${encodeURIComponent(version)}`;
    const fields = await this.#fields(path, signal);
    return fields === null
      ? null
      : { ...this.#schemaIn(fields, null), otherKeys: keysOf('guid', fields['guid']) };
  }

  async mode(subject: string, signal: AbortSignal): Promise<CompatibilityMode | null> {
    const own = await this.#get(`/config/${encodeURIComponent(subject)}`, signal);
    const fields = objectOf(own ?? (await this.#get('/config', signal)));
    const said = textOf(fields['compatibilityLevel'] ?? fields['compatibility']);
    return compatibilityModes.find((mode) => mode === said) ?? null;
  }

  async register(request: RegisterRequest, signal: AbortSignal): Promise<RegisteredSchema> {
    const { subject, format, text, references } = request;
    const answer = await this.#http.ask(
      'POST',
      `/subjects/${encodeURIComponent(subject)}/versions`,
      {
        schema: text,
        schemaType: travelOf(format).type,
        references: references.map((reference) => ({ ...reference, version: Number(reference.version) })),
      },
      signal,
    );
    if (answer.status === 409 || answer.status === 422)
      throw new AnswerIsNoError(`the registry rejects it: ${wordsOf(answer)}`);
    const id = textOf(objectOf(this.#parsed(answer))['id']);
    return { id, subject, version: null, format, text, references };
  }

  async #schema(path: string, id: string | null, signal: AbortSignal): Promise<RegisteredSchema | null> {
    const fields = await this.#fields(path, signal);
    return fields === null ? null : this.#schemaIn(fields, id);
  }

  async #fields(path: string, signal: AbortSignal): Promise<JsonObject | null> {
    const answer = await this.#get(path, signal);
    return answer === null ? null : objectOf(answer);
  }

  #schemaIn(fields: JsonObject, id: string | null): RegisteredSchema {
    const text = textOf(fields['schema']);
    if (text === null)
      throw new FailedError(`the registry at ${this.address} gave no schema`, { code: 'REGISTRY' });
    return {
      id: id ?? textOf(fields['id']),
      subject: textOf(fields['subject']),
      version: textOf(fields['version']),
      // Avro is what is meant where the type is left out.
      format: formatOfRegistry(textOf(fields['schemaType']) ?? 'AVRO'),
      text,
      references: listOf(fields['references']).flatMap(referenceOf),
    };
  }

  /** null: not found. */
  async #get(path: string, signal: AbortSignal): Promise<unknown> {
    const answer = await this.#http.ask('GET', path, undefined, signal);
    const notThere = saysNotThere(answer, this.address, ({ error_code: code }) => code !== undefined);
    return notThere ? null : this.#parsed(answer);
  }

  #parsed(answer: HttpAnswer): unknown {
    if (answer.status >= 400)
      throw new FailedError(`the registry at ${this.address} answered: ${wordsOf(answer)}`, {
        code: 'REGISTRY',
      });
    return parseAnswer(answer, this.address);
  }
}

function referenceOf(value: unknown): ReferenceTo[] {
  const fields = objectOf(value);
  const [name, subject, version] = [fields['name'], fields['subject'], fields['version']].map(textOf);
  if (name === null || name === undefined || subject === null || subject === undefined) return [];
  return [{ name, subject, version: version ?? 'latest' }];
}
