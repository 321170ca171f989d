/** Whether an edited message is still what its schema says. */
import { UnreachableError } from '../errors.ts';
import { PayloadDecoder } from '../schema/decoder.ts';
import type { Schema, Violation } from '../schema/engine.ts';
import { engineOf } from '../schema/engines.ts';
import type { PayloadPart } from '../schema/framing/framing.ts';
import { openRegistry } from '../schema/registry/open-registry.ts';
import type { RegistryPlace } from '../schema/registry/settings.ts';
import type { SchemaRegistry } from '../schema/registry/registry.ts';
import { nameOf, sourceOf } from '../schema/registry/schema-source.ts';
import { violationsOf } from '../schema/violations.ts';
import type { EditCheck } from './decision.ts';

const parts: readonly PayloadPart[] = ['value', 'key'];
const violationsTold = 3;

/**
 * Checks key and value by the schema that their frame names, else by the newest of the subject `CHANNEL-value` or
 * `CHANNEL-key` of where the message goes. Where neither is registered nothing is known, and nothing is refused.
 * The check throws `UnreachableError` where the registry does not answer.
 */
function schemaCheck(registry: SchemaRegistry): EditCheck {
  const decoder = new PayloadDecoder(registry);
  const subjects = new Map<string, Schema | null>();
  const ofSubject = async (subject: string, signal: AbortSignal): Promise<Schema | null> => {
    const known = subjects.get(subject);
    if (known !== undefined) return known;
    const newest = await newestOf(registry, subject, signal);
    subjects.set(subject, newest);
    return newest;
  };
  return async (edited, destination, signal) => {
    for (const part of parts) {
      const bytes = edited[part];
      if (bytes === null) continue;
      const input = { bytes, headers: edited.headers, part };
      const framed = await decoder.decode(input, signal);
      const named = framed.kind === 'unframed' ? null : decoder.schemaOf(framed.key);
      const schema = named ?? (await ofSubject(`${destination}-${part}`, signal));
      if (schema === null) continue;
      const violations = violationsOf(schema, input, violationsTold);
      if (violations.length > 0)
        return `its ${part} is not what ${schema.source.name} says: ${violations.map(violationText).join('; ')}`;
    }
    return null;
  };
}

/** The same by a registry that is opened here; an error of reaching it says how to do without. */
export function openSchemaCheck({ settings, options }: RegistryPlace): EditCheck {
  const check = schemaCheck(openRegistry(settings, options));
  return async (edited, destination, signal) => {
    try {
      return await check(edited, destination, signal);
    } catch (error) {
      if (!(error instanceof UnreachableError)) throw error;
      throw new UnreachableError(`edited messages cannot be checked: ${error.message}`, {
        hint: 'say --no-schema-check to send them unchecked',
        cause: error,
      });
    }
  };
}

function violationText({ dataPointer, message }: Violation): string {
  return dataPointer === '' ? message : `${dataPointer}: ${message}`;
}

async function newestOf(
  registry: SchemaRegistry,
  subject: string,
  signal: AbortSignal,
): Promise<Schema | null> {
  const registered = await registry.version(subject, 'latest', signal);
  if (registered === null || registered.format === null) return null;
  const engine = await engineOf(registered.format);
  return engine.parse(await sourceOf(registry, registered, nameOf(registered), signal));
}
