import { NotFoundError } from '../../errors.ts';
import type { Publish, PublishLimits, PublishRequest, Publisher } from '../driver.ts';
import { KinesisPublisher } from './publisher.ts';
import type { Session } from './session.ts';
import { streamNamed } from './streams.ts';

export class KinesisPublish implements Publish {
  readonly #session: Session;

  constructor(session: Session) {
    this.#session = session;
  }

  async open({ channel }: PublishRequest, signal: AbortSignal): Promise<Publisher> {
    const { recordKiB, status } = await streamNamed(this.#session, channel, signal);
    if (status === 'DELETING')
      throw new NotFoundError('stream', channel, this.#session.target, { hint: 'it is being deleted' });
    return new KinesisPublisher(this.#session, channel, recordKiB * 1_024, signal);
  }

  async limits(channel: string, signal: AbortSignal): Promise<PublishLimits> {
    const { recordKiB } = await streamNamed(this.#session, channel, signal);
    // The time of a record is that of its arrival: nothing is put that is old already.
    return { messageBytes: recordKiB * 1_024, headers: 0, retentionMs: null };
  }
}
