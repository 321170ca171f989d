import { CreateStreamCommand, DeleteStreamCommand } from '@aws-sdk/client-kinesis';
import { setTimeout as sleep } from 'node:timers/promises';
import { FailedError, NotFoundError, UnsupportedError, UsageError } from '../../errors.ts';
import { awsErrorNames } from '../aws/failures.ts';
import type { Admin, AlterRequest, ChannelSetting, CreateRequest } from '../driver.ts';
import type { Session } from './session.ts';
import { settingNamed, settingValue } from './settings.ts';
import { streamInput, streamNamed } from './streams.ts';
import type { Stream } from './streams.ts';
import { shellLine } from '../../shell-line.ts';

/** AWS makes, changes and deletes streams in its own time: half a minute is usual. */
const patienceMs = 10 * 60_000;
const firstPauseMs = 50;
const longestPauseMs = 2_000;

export class KinesisAdmin implements Admin {
  readonly #session: Session;

  constructor(session: Session) {
    this.#session = session;
  }

  async create(
    { channel, type, partitions, settings, deadLetter }: CreateRequest,
    signal: AbortSignal,
  ): Promise<void> {
    const mode = type ?? 'provisioned';
    if (mode !== 'provisioned' && mode !== 'on-demand')
      throw new UsageError(`"${mode}" is no type of a stream`, { hint: 'known are provisioned, on-demand' });
    if (!/^[\w.-]{1,128}$/.test(channel))
      throw new UsageError(`"${channel}" cannot be the name of a stream`, {
        hint: 'it has 1 to 128 of a-z A-Z 0-9 _ . -',
      });
    if (deadLetter !== null)
      throw new UnsupportedError('a stream has no dead-letter channel of its own', {
        hint: 'say it of the event-source mapping that reads it',
      });
    if (mode === 'on-demand' && partitions !== null)
      throw new UsageError('a stream on demand chooses its shards itself', {
        hint: 'leave out --partitions',
      });
    if ('ShardCount' in settings)
      throw new UsageError('the shards of a new stream are said by --partitions', {
        hint: 'leave out ShardCount',
      });
    const changes = Object.entries(settings).map(([name, text]) => ({
      name,
      value: settingValue(name, text),
    }));
    try {
      await this.#session.once(
        (client, options) =>
          client.send(
            new CreateStreamCommand({
              StreamName: channel,
              ...(mode === 'on-demand'
                ? { StreamModeDetails: { StreamMode: 'ON_DEMAND' } }
                : { ShardCount: partitions ?? 1 }),
            }),
            options,
          ),
        signal,
      );
    } catch (error) {
      if (!awsErrorNames(error).includes('ResourceInUseException'))
        throw this.#session.failure(error, channel);
      throw new FailedError(`the stream "${channel}" exists already at ${this.#session.target}`, {
        code: 'EXISTS',
        cause: error,
      });
    }
    const stream = await this.#active(channel, signal);
    for (const { name, value } of changes) await this.#change(stream, name, value, signal);
  }

  /** Resolves when it is gone. */
  async delete(channel: string, signal: AbortSignal): Promise<void> {
    await this.#requireThere(channel, signal);
    await this.#session.ask(
      (client, options) => client.send(new DeleteStreamCommand(streamInput(channel)), options),
      signal,
      channel,
    );
    await this.#until(channel, signal, 'deleted', async () => {
      const found = await streamNamed(this.#session, channel, signal).catch((error: unknown) => {
        if (error instanceof NotFoundError) return null;
        throw error;
      });
      return found === null ? true : null;
    });
  }

  async purge(channel: string, signal: AbortSignal): Promise<number | null> {
    await this.#requireThere(channel, signal);
    throw new UnsupportedError(`Kinesis cannot empty the stream "${channel}"`, {
      hint: 'its records go with their retention; or delete it and create it again',
    });
  }

  async settings(
    channel: string,
    names: readonly string[],
    signal: AbortSignal,
  ): Promise<readonly ChannelSetting[]> {
    const wanted = names.map((name) => ({ name, ...settingNamed(name) }));
    const stream = await streamNamed(this.#session, channel, signal);
    return wanted.map(({ name, usual, now }) => {
      const value = now(stream);
      return {
        name,
        own: value === usual ? null : String(value),
        effective: String(value),
        fixed: fixedBecause(name, stream),
      };
    });
  }

  async alter({ channel, changes, checkOnly }: AlterRequest, signal: AbortSignal): Promise<void> {
    const values = changes.map(({ name, value }) => ({ name, value: settingValue(name, value) }));
    // Each is a request of its own, so that all or none can be promised of one only.
    if (values.length > 1)
      throw new UsageError('AWS changes the settings of a stream one by one', {
        hint: 'say one --setting at a time',
      });
    const stream = await streamNamed(this.#session, channel, signal);
    for (const { name, value } of values) {
      const fixed = fixedBecause(name, stream);
      if (fixed !== null) throw new UnsupportedError(`${name} of "${channel}" cannot be changed: ${fixed}`);
      if (!checkOnly) await this.#change(stream, name, value, signal);
    }
  }

  async #change(stream: Stream, name: string, value: number, signal: AbortSignal): Promise<void> {
    const { now, change } = settingNamed(name);
    if (now(stream) === value) return;
    await change(this.#session, stream, value, signal);
    await this.#until(stream.name, signal, 'changed', async () => {
      const current = await streamNamed(this.#session, stream.name, signal);
      return current.status === 'ACTIVE' && now(current) === value ? true : null;
    });
  }

  async #requireThere(channel: string, signal: AbortSignal): Promise<void> {
    const { status } = await streamNamed(this.#session, channel, signal);
    if (status === 'DELETING')
      throw new NotFoundError('stream', channel, this.#session.target, { hint: 'it is being deleted' });
  }

  #active(channel: string, signal: AbortSignal): Promise<Stream> {
    return this.#until(channel, signal, 'ready', async () => {
      const stream = await streamNamed(this.#session, channel, signal);
      return stream.status === 'ACTIVE' ? stream : null;
    });
  }

  async #until<Value>(
    channel: string,
    signal: AbortSignal,
    state: string,
    ask: () => Promise<Value | null>,
  ): Promise<Value> {
    const deadline = performance.now() + patienceMs;
    for (let pauseMs = firstPauseMs; ; pauseMs = Math.min(pauseMs * 2, longestPauseMs)) {
      const value = await ask();
      if (value !== null) return value;
      if (performance.now() > deadline)
        throw new FailedError(`the stream "${channel}" is not ${state} yet`, {
          hint: shellLine`AWS goes on with it: "mqctl describe ${channel}" shows its StreamStatus`,
        });
      await sleep(pauseMs, undefined, { signal });
    }
  }
}

function fixedBecause(name: string, { mode }: Stream): string | null {
  return name === 'ShardCount' && mode === 'on-demand'
    ? 'a stream on demand chooses its shards itself'
    : null;
}
