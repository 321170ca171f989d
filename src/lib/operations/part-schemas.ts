import { frameKey } from '../schema/framing/frame-key.ts';
import type { ChosenFraming } from '../schema/framing/chosen-framings.ts';
import type { PayloadPart } from '../schema/framing/framing.ts';
import { namedSchema } from '../schema/named-schema.ts';
import { openRegistry } from '../schema/registry/open-registry.ts';
import type { RegistryPlace } from '../schema/registry/settings.ts';
import type { PartSchema } from './conform.ts';

/** A schema for a part of each message, as `namedSchema` takes its name. */
export type NamedPart = readonly [part: PayloadPart, name: string];

/**
 * The schemas that the parts of messages have to be of. `framing`: how what they encode is framed; null: they only check.
 * `place` is asked for where a schema is a subject of the registry. Throws `UsageError`, `NotFoundError`, and `FailedError`
 * for what the registry does not say.
 */
export async function partSchemas(
  named: readonly NamedPart[],
  framing: ChosenFraming | null,
  place: () => Promise<RegistryPlace>,
  signal: AbortSignal,
): Promise<readonly PartSchema[]> {
  const registry = async () => {
    const { settings, options } = await place();
    return openRegistry(settings, options);
  };
  const schemas: PartSchema[] = [];
  for (const [part, name] of named) {
    const keyed = await namedSchema(name, null, registry, signal);
    schemas.push({
      part,
      schema: keyed.schema,
      framing: framing === null ? null : { kind: framing, key: frameKey(framing, keyed) },
    });
  }
  return schemas;
}
