import { CreateTopicCommand, DeleteTopicCommand, SetTopicAttributesCommand } from '@aws-sdk/client-sns';
import { FailedError, NotFoundError, UnsupportedError, UsageError } from '../../errors.ts';
import { nearest } from '../../nearest.ts';
import type { Admin, AlterRequest, ChannelSetting, CreateRequest } from '../driver.ts';
import { topicName, topicNameRule } from './session.ts';
import type { Session } from './session.ts';
import { attributesOf } from './topics.ts';

/** What may be set, what it may be, and what holds where it was never set. */
const settings: Readonly<
  Record<string, { readonly valid: RegExp; readonly usual: string; readonly says: string }>
> = {
  DisplayName: { valid: /^.{0,100}$/su, usual: '', says: 'up to 100 characters' },
  ContentBasedDeduplication: {
    valid: /^(true|false)$/,
    usual: 'false',
    says: 'true or false, of a FIFO topic',
  },
  KmsMasterKeyId: { valid: /^.{0,2048}$/su, usual: '', says: 'the id, alias or ARN of a key' },
};

export class SnsAdmin implements Admin {
  readonly #session: Session;

  constructor(session: Session) {
    this.#session = session;
  }

  async create(
    { channel, type, settings: asked, deadLetter }: CreateRequest,
    signal: AbortSignal,
  ): Promise<void> {
    if (!topicName.test(channel))
      throw new UsageError(`"${channel}" can be no topic of SNS`, { hint: topicNameRule });
    const fifo = channel.endsWith('.fifo');
    if (type !== null && type !== 'standard' && type !== 'fifo')
      throw new UsageError(`"${type}" is no type of a topic`, { hint: 'known are standard, fifo' });
    if ((type === 'fifo') !== fifo && type !== null)
      throw new UsageError(`"${channel}" is no name of a ${type} topic`, {
        hint: 'the names of FIFO topics end with ".fifo", and no others do',
      });
    if (deadLetter !== null)
      throw new UnsupportedError('a topic has no dead letters of its own', {
        hint: 'each subscription may have a RedrivePolicy',
      });
    for (const [name, value] of Object.entries(asked)) checkSetting(name, value);
    if (await this.#isThere(channel, signal))
      throw new FailedError(`the topic "${channel}" exists already at ${this.#session.target}`, {
        code: 'EXISTS',
      });
    await this.#session.ask(
      (client, options) =>
        client.send(
          new CreateTopicCommand({
            Name: channel,
            Attributes: { ...asked, ...(fifo ? { FifoTopic: 'true' } : {}) },
          }),
          options,
        ),
      signal,
    );
  }

  async delete(channel: string, signal: AbortSignal): Promise<void> {
    // AWS says of a topic that never was that it is deleted.
    await attributesOf(this.#session, channel, signal);
    const TopicArn = await this.#session.arn(channel, signal);
    await this.#session.ask(
      (client, options) => client.send(new DeleteTopicCommand({ TopicArn }), options),
      signal,
      channel,
    );
    this.#session.forget(channel);
  }

  async purge(channel: string, signal: AbortSignal): Promise<number | null> {
    await attributesOf(this.#session, channel, signal);
    throw new UnsupportedError(`the topic "${channel}" keeps nothing that could be removed`);
  }

  async settings(
    channel: string,
    names: readonly string[],
    signal: AbortSignal,
  ): Promise<readonly ChannelSetting[]> {
    const rules = names.map((name) => ({ name, ...ruleOf(name) }));
    const attributes = await attributesOf(this.#session, channel, signal);
    return rules.map(({ name, usual }) => {
      const value = attributes[name] ?? usual;
      const own = value === usual ? null : value;
      return { name, own, effective: value === '' ? null : value, fixed: null };
    });
  }

  async alter({ channel, changes, checkOnly }: AlterRequest, signal: AbortSignal): Promise<void> {
    for (const { name, value } of changes) checkSetting(name, value ?? ruleOf(name).usual);
    if (changes.length > 1)
      throw new UsageError('AWS changes the settings of a topic one by one', {
        hint: 'say one --setting at a time',
      });
    await attributesOf(this.#session, channel, signal);
    if (checkOnly) return;
    const TopicArn = await this.#session.arn(channel, signal);
    for (const { name, value } of changes) {
      const AttributeValue = value ?? ruleOf(name).usual;
      await this.#session.ask(
        (client, options) =>
          client.send(
            new SetTopicAttributesCommand({ TopicArn, AttributeName: name, AttributeValue }),
            options,
          ),
        signal,
        channel,
      );
    }
  }

  async #isThere(channel: string, signal: AbortSignal): Promise<boolean> {
    try {
      await attributesOf(this.#session, channel, signal);
      return true;
    } catch (error) {
      if (error instanceof NotFoundError) return false;
      throw error;
    }
  }
}

function ruleOf(name: string) {
  const rule = settings[name];
  if (rule !== undefined) return rule;
  const meant = nearest(name, Object.keys(settings));
  throw new UsageError(`a topic has no setting "${name}"`, {
    hint: meant === null ? `known are ${Object.keys(settings).join(', ')}` : `did you mean "${meant}"?`,
  });
}

function checkSetting(name: string, value: string): void {
  const { valid, says } = ruleOf(name);
  if (!valid.test(value)) throw new UsageError(`${name} is ${says}, not "${value.slice(0, 40)}"`);
}
