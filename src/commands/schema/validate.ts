import { Args, Flags } from '@oclif/core';
import { outputFlag } from '../../lib/flags.ts';
import { AnswerIsNoError } from '../../lib/errors.ts';
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
import { SampleCommand, sampleFlags } from '../../lib/sample-command.ts';

const failuresListed = 20;

export default class SchemaValidate extends SampleCommand<typeof SchemaValidate> {
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
    ...sampleFlags,
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
    await this.eachSample({ ...flags, verb: 'schema validate' }, (message) => validation.add(message));
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
      throw new AnswerIsNoError(
        `${countText(invalid)} ${invalid === 1 ? 'message is' : 'messages are'} invalid`,
      );
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
