/** What the commands share that look at samples: messages of files, of stdin, or of a channel. */
import { Flags, type Command } from '@oclif/core';
import { BaseCommand } from './base.ts';
import { acceptCostFlag, countFlag } from './flags.ts';
import { UsageError } from './errors.ts';
import { inputFormats, readMessages, type InputFormat, type MessageInput } from './input/messages.ts';
import { fileSource, type Source } from './input/source.ts';
import { parsePositions } from './message/position-grammar.ts';
import { lookAt } from './operations/consume.ts';
import { agreeToPrice } from './operations/look-price.ts';
import type { PlacedMessage } from './operations/validate-messages.ts';

const defaultSample = 1_000;
/** Where a look costs something, it takes what is next: there are no other positions. */
const queueFront = { kind: 'start', shift: 0n } as const;

export const sampleFlags = {
  part: Flags.option({
    options: ['value', 'key'] as const,
    default: 'value',
    summary: 'What of each message',
  })(),
  format: Flags.option({
    options: inputFormats,
    summary: 'Of the input: lines, raw or ndjson',
    helpGroup: 'INPUT',
  })(),
  channel: Flags.string({ summary: 'Look at this channel', helpValue: 'CHANNEL', helpGroup: 'CHANNEL' }),
  sample: countFlag({
    summary: 'So many messages of it (1000)',
    dependsOn: ['channel'],
    helpGroup: 'CHANNEL',
  }),
  from: Flags.string({
    summary: 'Where to begin, as in consume; without, the last ones, or the next ones of a queue',
    dependsOn: ['channel'],
    helpValue: 'POSITION',
    helpGroup: 'CHANNEL',
  }),
  until: Flags.string({
    summary: 'Where to end, exclusive',
    dependsOn: ['channel'],
    helpValue: 'POSITION',
    helpGroup: 'CHANNEL',
  }),
  filter: Flags.string({
    summary: 'Only what this CEL expression keeps',
    dependsOn: ['channel'],
    helpValue: 'CEL',
    helpGroup: 'CHANNEL',
  }),
  yes: Flags.boolean({ char: 'y', summary: 'Agree to what a look costs', helpGroup: 'COST' }),
  'accept-cost': acceptCostFlag('COST'),
};

/** What `sampleFlags` say. */
export interface SampleChoice {
  readonly verb: string;
  readonly format: InputFormat | undefined;
  readonly channel: string | undefined;
  readonly sample: number | undefined;
  readonly from: string | undefined;
  readonly until: string | undefined;
  readonly filter: string | undefined;
  readonly yes: boolean;
  readonly 'accept-cost': boolean;
}

type Add = (message: PlacedMessage) => Promise<void>;

export abstract class SampleCommand<T extends typeof Command> extends BaseCommand<T> {
  /** Each message with its place, those of the channel where one is named, else those of the files or stdin. */
  protected async eachSample(choice: SampleChoice, add: Add): Promise<void> {
    if (choice.channel === undefined) await this.#files(choice.format, add);
    else await this.#channel(choice, choice.channel, add);
    this.signal.throwIfAborted();
  }

  async #files(format: InputFormat | undefined, add: Add): Promise<void> {
    const { words } = this;
    if (words.length === 0) return this.#lines(this.messagesOnStdin(), format, 'line', add);
    for (const file of words)
      await this.#lines(fileSource(file), format, words.length === 1 ? 'line' : `${file} line`, add);
  }

  async #lines(source: Source, format: InputFormat | undefined, place: string, add: Add): Promise<void> {
    const input: MessageInput = {
      sources: [source],
      format: format ?? null,
      key: null,
      keySeparator: null,
      headers: [],
      properties: {},
      partition: null,
      keep: new Set(),
      nullValue: null,
      template: false,
      count: 1,
      envelope: false,
    };
    for await (const chunk of readMessages(input))
      for (const { line, message } of chunk) {
        this.signal.throwIfAborted();
        await add({ ...message, place: `${place} ${line.toString()}` });
      }
  }

  async #channel(choice: SampleChoice, channel: string, add: Add): Promise<void> {
    if (this.words.length > 0) throw new UsageError('a file and --channel are two places: name one');
    const { driver, context } = await this.connect({ verb: choice.verb, needs: ['look'], changes: false });
    const { createFilter } = await import('./filter/filter.ts');
    const keep = await createFilter({ filter: choice.filter ?? null, grep: null, key: null, headers: [] });
    const sample = choice.sample ?? defaultSample;
    const appraisal = await driver.look.appraise(channel, this.signal);
    const price = await agreeToPrice(channel, appraisal, {
      follow: false,
      wanted: choice.sample ?? null,
      context,
      acceptCost: choice['accept-cost'],
      agree: (question) => this.confirm(question, { yes: choice.yes }),
    });
    await lookAt(
      driver.look,
      {
        channels: [channel],
        partitions: null,
        follow: false,
        limit: sample,
        decode: null,
        keep,
        deliver: async (messages) => {
          for (const message of messages)
            await add({
              ...message,
              place: [channel, message.partition, message.offset ?? message.id].filter(Boolean).join(' '),
            });
        },
        forMs: null,
        idleMs: null,
        from:
          choice.from === undefined
            ? { every: price.limit === null ? { kind: 'end', shift: -BigInt(sample) } : queueFront }
            : parsePositions(choice.from),
        until: choice.until === undefined ? null : parsePositions(choice.until),
        uncommitted: false,
        takeAtMost: price.limit,
        onReport: () => undefined,
      },
      this.signal,
    );
  }
}
