import { Args, Flags } from '@oclif/core';
import { BaseCommand, acceptCostFlag, countFlag, outputFlag } from '../../lib/base.ts';
import { AnswerIsNoError, UsageError } from '../../lib/errors.ts';
import { inputFormats, readMessages, type MessageInput } from '../../lib/input/messages.ts';
import { fileSource, streamSource } from '../../lib/input/source.ts';
import { parsePositions } from '../../lib/message/position-grammar.ts';
import { lookAt } from '../../lib/operations/consume.ts';
import { agreeToPrice } from '../../lib/operations/look-price.ts';
import {
  Validation,
  validatorByRegistry,
  validatorBySchema,
  type FailureCount,
  type InvalidMessage,
  type Validator,
} from '../../lib/operations/validate-messages.ts';
import { printTable } from '../../lib/output/table.ts';
import { visible } from '../../lib/output/sanitise.ts';
import { countText } from '../../lib/output/time.ts';
import { PayloadDecoder } from '../../lib/schema/decoder.ts';
import { schemaFormats } from '../../lib/schema/engine.ts';
import { namedSchema } from '../../lib/schema/named-schema.ts';
import { openRegistry } from '../../lib/schema/registry/open-registry.ts';

const defaultSample = 1_000;
const failuresListed = 20;
/** Where a look costs something, it takes what is next: there are no other positions. */
const queueFront = { kind: 'start', shift: 0n } as const;

export default class SchemaValidate extends BaseCommand<typeof SchemaValidate> {
  static override strict = false;
  static override summary = 'Are these messages valid? From files, stdin, or a sample of a channel';
  static override description = `Each failure is shown with its place in the data and in the schema, and all are counted. A value may be JSON, framed, or the bare encoding of the schema. Without --schema each message is decoded by what its frame names.`;
  static override examples = [
    {
      description: 'A line is a message',
      command: '<%= config.bin %> schema validate orders.ndjson --schema order.avsc',
    },
    {
      description: 'What is in the topic, against the newest version of a subject',
      command:
        '<%= config.bin %> schema validate --channel orders --sample 500 --schema subject:orders-value --fail-on-invalid',
    },
    {
      description: 'By what each message says',
      command: '<%= config.bin %> schema validate --channel orders',
    },
  ];
  static override args = {
    file: Args.string({ ignoreStdin: true, description: 'one or more files; else stdin' }),
  };
  static override flags = {
    schema: Flags.string({
      summary: 'The schema: a file, subject:NAME or subject:NAME@VERSION',
      helpValue: 'SCHEMA',
    }),
    'schema-format': Flags.option({
      options: schemaFormats,
      summary: 'Where the name of the file does not say it',
    })(),
    registry: Flags.string({
      summary: 'The registry, in the place of the one that the context names',
      helpValue: 'URL',
    }),
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
    'fail-on-invalid': Flags.boolean({ summary: 'Exit 3 when anything is invalid' }),
    output: outputFlag(['text', 'json']),
  };

  async run(): Promise<void> {
    const { flags, output } = this;
    let listed = 0;
    const lines: string[] = [];
    const validation = new Validation(await this.#validator(), flags.part, (failure) => {
      listed += 1;
      if (listed <= failuresListed) lines.push(visible(failureText(failure)));
    });
    if (flags.channel === undefined) await this.#files(validation);
    else await this.#channel(validation, flags.channel);
    this.signal.throwIfAborted();
    const { valid, invalid, empty, failures } = validation;
    if (flags.output === 'json')
      await output.printJson({ valid, invalid, empty, counts: validation.counts(), failures });
    else {
      if (lines.length > 0) await output.print(lines.join('\n'));
      if (listed > failuresListed) output.note(`and ${countText(listed - failuresListed)} more failures`);
      await printTable(output, columns, validation.counts());
    }
    output.note(
      `${countText(valid)} valid, ${countText(invalid)} invalid${empty > 0 ? `, ${countText(empty)} without a ${flags.part}` : ''}`,
    );
    if (invalid > 0 && flags['fail-on-invalid'])
      throw new AnswerIsNoError(`${countText(invalid)} messages are invalid`);
  }

  async #validator(): Promise<Validator> {
    const { flags } = this;
    const registry = async () => {
      const { settings, options } = await this.requiredRegistry(flags.registry);
      return openRegistry(settings, options);
    };
    if (flags.schema === undefined)
      return validatorByRegistry(new PayloadDecoder(await registry()), this.signal);
    const { schema } = await namedSchema(flags.schema, flags['schema-format'] ?? null, registry, this.signal);
    return validatorBySchema(schema);
  }

  async #files(validation: Validation): Promise<void> {
    const { flags, words } = this;
    if (words.length === 0)
      this.signal.addEventListener('abort', () => process.stdin.destroy(), { once: true });
    const input: MessageInput = {
      sources: words.length === 0 ? [streamSource('stdin', process.stdin)] : words.map(fileSource),
      format: flags.format ?? 'lines',
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
      for (const { line, message } of chunk)
        await validation.add({ ...message, place: `line ${line.toString()}` });
  }

  async #channel(validation: Validation, channel: string): Promise<void> {
    const { flags } = this;
    if (this.words.length > 0)
      throw new UsageError('a file and --channel are two things to validate: name one');
    const { driver, context } = await this.connect({
      verb: 'schema validate',
      needs: ['look'],
      changes: false,
    });
    const { createFilter } = await import('../../lib/filter/filter.ts');
    const keep = await createFilter({ filter: flags.filter ?? null, grep: null, key: null, headers: [] });
    const sample = flags.sample ?? defaultSample;
    const appraisal = await driver.look.appraise(channel, this.signal);
    const price = await agreeToPrice(channel, appraisal, {
      follow: false,
      wanted: flags.sample ?? null,
      context,
      acceptCost: flags['accept-cost'],
      agree: (question) => this.confirm(question, { yes: flags.yes }),
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
            await validation.add({
              ...message,
              place: [channel, message.partition, message.offset ?? message.id].filter(Boolean).join(' '),
            });
        },
        forMs: null,
        idleMs: null,
        from:
          flags.from === undefined
            ? { every: price.limit === null ? { kind: 'end', shift: -BigInt(sample) } : queueFront }
            : parsePositions(flags.from),
        until: flags.until === undefined ? null : parsePositions(flags.until),
        uncommitted: false,
        takeAtMost: price.limit,
        onReport: () => undefined,
      },
      this.signal,
    );
  }
}

function failureText({ place, code, dataPointer, schemaPointer, schema, message }: InvalidMessage): string {
  const data = dataPointer === '' ? '' : ` at ${dataPointer}`;
  const rule =
    schemaPointer === null
      ? ''
      : ` (${schema ?? 'schema'} ${schemaPointer === '' ? 'as a whole' : schemaPointer})`;
  return `${place}${data}: ${code}: ${message}${rule}`;
}

const columns = [
  { header: 'FAILURE', cell: ({ code }: FailureCount) => code },
  { header: 'IN THE SCHEMA', cell: ({ schemaPointer }: FailureCount) => schemaPointer ?? '' },
  { header: 'COUNT', align: 'right' as const, cell: ({ count }: FailureCount) => countText(count) },
];
