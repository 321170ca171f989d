import type { FramingKind } from './framing.ts';

/** The frames that can be asked for. AWS Glue's is missing: its registry is not asked, so there is no id to write. */
export const chosenFramings = [
  'confluent',
  'confluent-header',
  'apicurio',
  'apicurio-header',
  'avro-single-object',
] as const satisfies readonly FramingKind[];

export type ChosenFraming = (typeof chosenFramings)[number];

/** Whether it needs headers that hold bytes. */
export function isInHeaders(framing: ChosenFraming): boolean {
  return framing === 'confluent-header' || framing === 'apicurio-header';
}
