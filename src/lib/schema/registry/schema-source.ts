import { FailedError, NotFoundError } from '../../errors.ts';
import type { SchemaReference, SchemaSource } from '../engine.ts';
import type { ReferenceTo, RegisteredSchema, SchemaRegistry } from './registry.ts';

const mostReferences = 1_000;

/** A registered schema with all that it refers to, and they to. Throws where one of them is not there. */
export async function sourceOf(
  registry: SchemaRegistry,
  schema: RegisteredSchema,
  name: string,
  signal: AbortSignal,
): Promise<SchemaSource> {
  return new Gathering(registry, signal).source(schema, name);
}

/** `orders-value version 3`, or `schema 7` of one that was asked for by its id. */
export function nameOf({ subject, version, id }: RegisteredSchema): string {
  if (subject === null) return `schema ${id ?? ''}`.trim();
  return version === null ? subject : `${subject} version ${version}`;
}

/** The schema of a subject, by its version or `latest`. Throws `NotFoundError`. */
export async function subjectSource(
  registry: SchemaRegistry,
  subject: string,
  version: string,
  signal: AbortSignal,
): Promise<{ readonly schema: RegisteredSchema; readonly source: SchemaSource }> {
  const schema = await registry.version(subject, version, signal);
  if (schema === null)
    throw new NotFoundError(
      'subject',
      version === 'latest' ? subject : `${subject} version ${version}`,
      registry.address,
      { hint: 'mqctl schema ls shows those there are' },
    );
  return { schema, source: await sourceOf(registry, schema, nameOf(schema), signal) };
}

class Gathering {
  readonly #registry: SchemaRegistry;
  readonly #signal: AbortSignal;
  readonly #found = new Map<string, SchemaReference>();

  constructor(registry: SchemaRegistry, signal: AbortSignal) {
    this.#registry = registry;
    this.#signal = signal;
  }

  async source(schema: RegisteredSchema, name: string): Promise<SchemaSource> {
    const references: SchemaReference[] = [];
    for (const reference of schema.references) references.push(await this.#reference(reference, name));
    return { name, text: schema.text, references };
  }

  async #reference(reference: ReferenceTo, of: string): Promise<SchemaReference> {
    const { name, subject, version } = reference;
    const key = JSON.stringify([name, subject, version]);
    const known = this.#found.get(key);
    if (known !== undefined) return known;
    if (this.#found.size >= mostReferences) throw new FailedError(`${of} refers to too many schemas`);
    // In place before it is followed: what refers to itself in a circle ends here.
    this.#found.set(key, { name, source: { name, text: '', references: [] } });
    const schema = await this.#registry.version(subject, version, this.#signal);
    if (schema === null)
      throw new NotFoundError('subject', `${subject} version ${version}`, this.#registry.address, {
        hint: `${of} refers to it as ${name}`,
      });
    const found = { name, source: await this.source(schema, nameOf(schema)) };
    this.#found.set(key, found);
    return found;
  }
}
