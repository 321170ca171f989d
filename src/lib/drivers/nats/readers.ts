/** Which consumers get what: each reads all of its stream, or the subjects that its filters name. */
import type { ConsumerInfo } from '@nats-io/jetstream';
import { overlap } from './channel-name.ts';
import { consumersOf, filtersOf } from './consumers.ts';
import type { Session } from './session.ts';
import { onlyLiteral, subjectIn } from './subject-in-stream.ts';
import { streamPlace } from './streams.ts';
import type { StreamPlace } from './streams.ts';

/** Whether a consumer with these filters gets messages of one of these subjects, which may have wildcards themselves. */
export function reads(filters: readonly string[], subjects: readonly string[]): boolean {
  return filters.length === 0 || filters.some((filter) => subjects.some((one) => overlap(filter, one)));
}

/** The consumers that get what is in this stream or of this subject. */
export async function readersAt(
  session: Session,
  { info, filter }: StreamPlace,
  signal: AbortSignal,
): Promise<readonly ConsumerInfo[]> {
  const all = await consumersOf(session, info.config.name, signal);
  return filter === null ? all : all.filter(({ config }) => reads(filtersOf(config), [filter]));
}

/** Of the consumers of a channel those that get messages of these subjects. Throws `NotFoundError`. */
export async function readersOf(
  session: Session,
  channel: string,
  addresses: readonly string[],
  signal: AbortSignal,
): Promise<readonly string[]> {
  const place = await streamPlace(session, channel, signal);
  const readers = await readersAt(session, place, signal);
  const { subjects = [], subject_transform: transform } = place.info.config;
  const stored = addresses.map((address) =>
    subjectIn({ subjects, literal: place.filter ?? onlyLiteral(subjects) }, address),
  );
  // What goes nowhere, or is renamed on its way, could reach any of them.
  const known = stored.filter((subject) => subject !== null);
  const certain = known.length === stored.length && transform === undefined;
  return readers.filter(({ config }) => !certain || reads(filtersOf(config), known)).map(({ name }) => name);
}
