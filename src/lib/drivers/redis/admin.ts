import { FailedError, UnsupportedError, UsageError } from '../../errors.ts';
import type { Admin, AlterRequest, ChannelSetting, CreateRequest } from '../driver.ts';
import { declaration } from './declaration.ts';
import { firstId } from './entry-id.ts';
import type { Link } from './link.ts';
import { exhaustedPages } from './pending.ts';
import { exhaustedOf } from './place.ts';
import { numberOrNull } from './reply.ts';
import { createStream } from './scripts.ts';
import { requireStream } from './streams.ts';

export class RedisAdmin implements Admin {
  readonly #link: Link;

  constructor(link: Link) {
    this.#link = link;
  }

  async create(request: CreateRequest, signal: AbortSignal): Promise<void> {
    const { channel, type, partitions, settings, deadLetter } = request;
    if (channel === '') throw new UsageError('a stream needs a name');
    if (type !== null && type !== 'stream')
      throw new UsageError(`Redis Streams have no channels of the type "${type}"`, {
        hint: 'leave --type out: there is one kind',
      });
    if (partitions !== null && partitions !== 1) throw new UsageError('a stream has no partitions');
    if (deadLetter !== null)
      throw new UsageError('a stream of Redis has no dead-letter channel of its own', {
        hint: `by convention it is called "${channel}:dlq": create that, and have the consumers use it`,
      });
    const [setting] = Object.keys(settings);
    if (setting !== undefined) throw unknownSetting(setting);
    if (numberOrNull(await this.#link.run(createStream, [channel], signal)) !== 1)
      throw new FailedError(`the key "${channel}" is there already at ${this.#link.target}`, {
        code: 'EXISTS',
      });
  }

  async delete(channel: string, signal: AbortSignal): Promise<void> {
    const exhausted = await exhaustedOf(this.#link, channel, signal);
    if (exhausted !== null)
      throw new UnsupportedError(`"${channel}" is what "${exhausted.group}" has not acknowledged`, {
        hint: 'purge it, which acknowledges them, or delete the group',
      });
    await requireStream(this.#link, channel, signal);
    await this.#link.ask(channel, ['DEL', channel], signal);
  }

  async purge(channel: string, signal: AbortSignal): Promise<number | null> {
    const exhausted = await exhaustedOf(this.#link, channel, signal);
    if (exhausted === null) {
      await requireStream(this.#link, channel, signal);
      return numberOrNull(await this.#link.ask(channel, ['XTRIM', channel, 'MAXLEN', '=', '0'], signal));
    }
    const { stream, group } = exhausted;
    let removed = 0;
    for await (const page of exhaustedPages(this.#link, exhausted, { from: firstId, until: null }, signal)) {
      const ids = page.map(({ id }) => id);
      removed += numberOrNull(await this.#link.ask(stream, ['XACK', stream, group, ...ids], signal)) ?? 0;
    }
    return removed;
  }

  async settings(
    channel: string,
    names: readonly string[],
    signal: AbortSignal,
  ): Promise<readonly ChannelSetting[]> {
    await requireStream(this.#link, channel, signal);
    const [name] = names;
    if (name !== undefined) throw unknownSetting(name);
    return [];
  }

  async alter({ channel }: AlterRequest): Promise<void> {
    throw new UnsupportedError(
      `nothing can be set for "${channel}": ${declaration.facets.admin?.unalterable ?? ''}`,
    );
  }
}

function unknownSetting(name: string): UsageError {
  return new UsageError(`no setting "${name}": a stream of Redis has none`, {
    hint: 'whoever adds to it says with MAXLEN or MINID what is kept',
  });
}
