/** Compatibility modes as registries have them: who has to be able to read whom. */
import { UsageError } from '../errors.ts';
import type { Direction } from './finding.ts';

export const compatibilityModes = [
  'BACKWARD',
  'BACKWARD_TRANSITIVE',
  'FORWARD',
  'FORWARD_TRANSITIVE',
  'FULL',
  'FULL_TRANSITIVE',
  'NONE',
] as const;

export type CompatibilityMode = (typeof compatibilityModes)[number];

/** Any case. Throws `UsageError`. */
export function parseMode(text: string): CompatibilityMode {
  const mode = compatibilityModes.find((known) => known === text.toUpperCase());
  if (mode !== undefined) return mode;
  throw new UsageError(`no compatibility mode "${text}"`, {
    hint: `known are ${compatibilityModes.join(', ')}`,
  });
}

/** The directions that a mode asks for; none for NONE. */
export function directionsOf(mode: CompatibilityMode): readonly Direction[] {
  if (mode === 'NONE') return [];
  if (mode.startsWith('BACKWARD')) return ['backward'];
  return mode.startsWith('FORWARD') ? ['forward'] : ['backward', 'forward'];
}

/** The versions that a mode looks at, of all of them, oldest first: every one, or only the last. */
export function versionsFor<Version>(
  mode: CompatibilityMode,
  versions: readonly Version[],
): readonly Version[] {
  return mode.endsWith('_TRANSITIVE') ? versions : versions.slice(-1);
}
