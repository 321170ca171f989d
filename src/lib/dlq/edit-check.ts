import type { RegistryPlace } from '../schema/registry/settings.ts';
import type { EditCheck } from './decision.ts';

/** What edited messages are checked by: the schemas of this registry; null where none is named. */
export async function editCheck(place: RegistryPlace | null): Promise<EditCheck | null> {
  if (place === null) return null;
  const { openSchemaCheck } = await import('./schema-check.ts'); // with the formats behind it
  return openSchemaCheck(place);
}
