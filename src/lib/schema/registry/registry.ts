/** What every registry can be asked; `open-registry.ts` makes one. */
import type { SchemaFormat } from '../engine.ts';
import type { SchemaKey } from '../framing/framing.ts';
import type { CompatibilityMode } from '../mode.ts';

export interface ReferenceTo {
  /** How the schema calls it. */
  readonly name: string;
  readonly subject: string;
  readonly version: string;
}

export interface RegisteredSchema {
  /** What frames carry; null where the registry did not say it with this answer. */
  readonly id: string | null;
  /** By what else frames may name it, where it was asked for by its version and the registry said so. */
  readonly otherKeys?: readonly SchemaKey[];
  /** null where it was asked for by its id. */
  readonly subject: string | null;
  readonly version: string | null;
  /** null: of a kind that is not known here. */
  readonly format: SchemaFormat | null;
  readonly text: string;
  readonly references: readonly ReferenceTo[];
}

export interface RegisterRequest {
  readonly subject: string;
  readonly format: SchemaFormat;
  readonly text: string;
  readonly references: readonly ReferenceTo[];
}

/** All throw `UnreachableError` where nothing answers. `null` is what is not there. */
export interface SchemaRegistry {
  /** For people. */
  readonly address: string;
  /** By what its API can be asked for a schema. */
  readonly finds: readonly SchemaKey['by'][];
  byKey(key: SchemaKey, signal: AbortSignal): Promise<RegisteredSchema | null>;
  subjects(signal: AbortSignal): Promise<readonly string[]>;
  /** Oldest first. */
  versions(subject: string, signal: AbortSignal): Promise<readonly string[] | null>;
  /** `latest` is the newest. */
  version(subject: string, version: string, signal: AbortSignal): Promise<RegisteredSchema | null>;
  /** The mode that holds for the subject, its own or the registry's; null where it has none. */
  mode(subject: string, signal: AbortSignal): Promise<CompatibilityMode | null>;
  /** Gives the id. Throws `AnswerIsNoError` where the registry rejects it, with its words. */
  register(request: RegisterRequest, signal: AbortSignal): Promise<RegisteredSchema>;
}
