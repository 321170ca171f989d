import type { RegistryPlace } from '../schema/registry/settings.ts';
import type { DecodeMessages } from './decode-messages.ts';

/**
 * Decodes by that registry; null where none is named, and nothing that knows schemas is loaded. A registry that does not
 * answer ends the decoding, and `warn` hears why, once.
 */
export async function registryDecoder(
  place: RegistryPlace | null,
  warn: (text: string) => void,
  signal: AbortSignal,
): Promise<DecodeMessages | null> {
  if (place === null) return null;
  const { openMessageDecoder } = await import('./decode-messages.ts');
  return openMessageDecoder(place, (reason) => warn(`not decoded: ${reason}`), signal);
}
