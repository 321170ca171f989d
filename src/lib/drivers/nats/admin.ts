/** Streams: made, deleted, purged, changed. */
import type { StreamConfig } from '@nats-io/jetstream';
import { FailedError, NotFoundError, UnsupportedError, UsageError } from '../../errors.ts';
import { nearest } from '../../nearest.ts';
import type { Admin } from '../driver.ts';
import { deadPlaceOf } from './advisories.ts';
import { parseChannelName } from './channel-name.ts';
import { declaration } from './declaration.ts';
import { apiCode, apiCodes } from './failures.ts';
import type { Session } from './session.ts';
import { isUsual, parseSetting, settingNamed, shownSetting } from './stream-settings.ts';
import { placeOf, streamNamed, streamPlace } from './streams.ts';
import { shellLine } from '../../shell-line.ts';

const types = declaration.facets.admin?.types ?? [];

/** Of streams; a subject, or what a consumer gave up, can only be purged. What the server does not take throws `UsageError`. */
export function admin(session: Session): Admin {
  return {
    async create({ channel, type, partitions, settings, deadLetter }, signal) {
      if (type !== null && !types.includes(type)) throw unknownType(type);
      if (partitions !== null)
        throw new UsageError('a stream of NATS has no partitions', { hint: 'leave --partitions out' });
      if (deadLetter !== null)
        throw new UnsupportedError('a stream of NATS has no dead-letter stream', {
          hint: 'what consumers give up is captured for all streams: mqctl dlq watch --install',
        });
      if (parseChannelName(channel).kind !== 'stream')
        throw new UsageError(`"${channel}" cannot be the name of a stream`, {
          hint: 'no dots, blanks, slashes, * and >; subjects are a setting: --setting subjects=orders.>',
        });
      const asked = Object.fromEntries(
        Object.entries(settings).map(([name, value]) => [name, parseSetting(name, value)]),
      );
      // The usual ones of the server, but for reading without a consumer, which costs it less so.
      const config = { subjects: [channel], allow_direct: true, ...asked, name: channel };
      if ((await streamNamed(session, channel, signal)) !== null) throw exists(channel, session.target);
      await refused(channel, session.target, () =>
        session.ask(`stream "${channel}"`, ({ streams }) => streams.add(config), signal),
      );
    },

    async delete(channel, signal) {
      const { info, kind } = await streamPlace(session, channel, signal);
      if (kind === 'subject')
        throw new UnsupportedError(`"${channel}" is a subject of the stream "${info.config.name}"`, {
          hint: shellLine`delete its messages: mqctl purge ${channel}, or the whole stream: mqctl delete ${info.config.name}`,
        });
      await session.ask(`stream "${channel}"`, ({ streams }) => streams.delete(channel), signal);
    },

    async purge(channel, signal) {
      const place = await placeOf(session, channel, signal);
      const [stream, filters] =
        place.kind === 'dead'
          ? await deadPlaceOf(session, place, signal).then(
              ({ captured, filters }) => [captured.info.config.name, filters] as const,
            )
          : ([place.info.config.name, place.filter === null ? [null] : [place.filter]] as const);
      let removed = 0;
      for (const filter of filters) {
        const { purged } = await session.ask(
          `stream "${stream}"`,
          ({ streams }) => streams.purge(stream, filter === null ? undefined : { filter }),
          signal,
        );
        removed += purged;
      }
      return removed;
    },

    async settings(channel, names, signal) {
      for (const name of names) settingNamed(name);
      const { config } = await ownStream(session, channel, signal);
      return names.map((name) => ({
        name,
        own: isUsual(name, config) ? null : shownSetting(name, config),
        effective: shownSetting(name, config),
        fixed: settingNamed(name).fixed,
      }));
    },

    async alter({ channel, changes, checkOnly }, signal) {
      const wanted = changes.map(({ name, value }) => ({ name, value: parseSetting(name, value) }));
      const { config } = await ownStream(session, channel, signal);
      for (const { name, value } of wanted) {
        const { fixed } = settingNamed(name);
        if (fixed !== null)
          throw new UnsupportedError(`${name} of "${channel}" cannot be changed: ${fixed}`, {
            hint: 'make a stream with it, and have the messages copied: mqctl replay',
          });
        if (name === 'subjects' && value === null)
          throw new UsageError(`subjects of "${channel}" cannot be taken away`, { hint: 'name others' });
      }
      if (checkOnly) return;
      const update: Partial<StreamConfig> = Object.fromEntries(
        wanted.map(({ name, value }) => [name, value ?? (name === 'description' ? '' : value)]),
      );
      await refused(channel, session.target, () =>
        session.ask(`stream "${channel}"`, ({ streams }) => streams.update(config.name, update), signal),
      );
    },
  };
}

/** Settings are a stream's. Throws `NotFoundError`, `UnsupportedError` for a subject. */
async function ownStream(session: Session, channel: string, signal: AbortSignal) {
  const { info, kind } = await streamPlace(session, channel, signal);
  if (kind === 'stream') return info;
  throw new UnsupportedError(`"${channel}" is a subject: settings are those of its stream`, {
    hint: `name the stream: ${info.config.name}`,
  });
}

/** What the server does not take, is told in its words, as wrong usage. */
async function refused(channel: string, target: string, work: () => Promise<unknown>): Promise<void> {
  try {
    await work();
  } catch (error) {
    const cause = error instanceof Error ? error.cause : null;
    const code = apiCode(cause);
    if (code === null || error instanceof NotFoundError || !(cause instanceof Error)) throw error;
    if (code === apiCodes.streamNameInUse) throw exists(channel, target);
    throw new UsageError(`the server does not take that for "${channel}": ${cause.message}`, {
      cause: error,
    });
  }
}

function exists(channel: string, target: string): FailedError {
  return new FailedError(`there is a stream "${channel}" at ${target} already`, { code: 'EXISTS' });
}

function unknownType(type: string): UsageError {
  const meant = nearest(type, types);
  return new UsageError(`NATS has no channels of type "${type}"`, {
    hint: meant === null ? `known are ${types.join(', ')}` : `did you mean "${meant}"?`,
  });
}
