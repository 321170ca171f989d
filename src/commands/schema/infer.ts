import { Args, Flags } from '@oclif/core';
import { outputFlag } from '../../lib/flags.ts';
import { FailedError, UsageError } from '../../lib/errors.ts';
import { printTable } from '../../lib/output/table.ts';
import { countText } from '../../lib/output/time.ts';
import { isAvroName } from '../../lib/schema/infer/avro.ts';
import type { PlaceEvidence } from '../../lib/schema/infer/evidence.ts';
import { Inference, inferredFormats, type Inferred } from '../../lib/schema/infer/infer.ts';
import { SampleCommand, sampleFlags } from '../../lib/sample-command.ts';

export default class SchemaInfer extends SampleCommand<typeof SchemaInfer> {
  static override strict = false;
  static override summary = 'A schema from samples, with the evidence for each field';
  static override description = `Reads JSON from files, stdin or a sample of a channel. The schema takes every sample and claims no more than they show: a field that is not in all of them is optional, integers are as large as the format has them, names that hardly come twice are the keys of a map.

The schema is on stdout; -o table shows what speaks for each field instead, -o json both. It is held against the samples before it is printed.`;
  static override examples = [
    {
      description: 'JSON Schema of a file, a line is a sample',
      command: '<%= config.bin %> schema infer orders.ndjson > order.json',
    },
    {
      description: 'How many samples have which field, and what is in there',
      command: '<%= config.bin %> schema infer --channel orders --sample 500 -o table',
    },
    {
      description: 'Avro, from what another program prints',
      command:
        '<%= config.bin %> consume orders -o value | <%= config.bin %> schema infer --schema-format avro --name shop.Order',
    },
  ];
  static override args = {
    file: Args.string({ ignoreStdin: true, description: 'one or more files; else stdin' }),
  };
  static override flags = {
    'schema-format': Flags.option({
      options: inferredFormats,
      default: 'json',
      summary: 'What to write: json (JSON Schema, draft-07) or avro',
      helpGroup: 'SCHEMA',
    })(),
    name: Flags.string({
      default: 'Message',
      summary: 'What it is called; of Avro with its namespace',
      helpValue: 'NAME',
      helpGroup: 'SCHEMA',
    }),
    enums: Flags.boolean({
      summary: 'A few texts that come again and again are a closed set',
      helpGroup: 'SCHEMA',
    }),
    closed: Flags.boolean({
      summary: 'JSON Schema: objects take no other properties, so that optional ones can be added later',
      helpGroup: 'SCHEMA',
    }),
    ...sampleFlags,
    output: outputFlag(['schema', 'table', 'json']),
  };

  async run(): Promise<void> {
    const { flags, output } = this;
    const format = flags['schema-format'];
    if (format === 'avro' && !isAvroName(flags.name))
      throw new UsageError(`"${flags.name}" is no name of Avro`, {
        hint: 'it has letters, digits and _, and dots between its parts: --name shop.Order',
      });
    if (format === 'avro' && flags.closed)
      throw new UsageError('--closed is of JSON Schema: a record of Avro has no other fields anyway');
    const inference = new Inference();
    const leftOut = { count: 0, first: '' };
    let empty = 0;
    await this.eachSample({ ...flags, verb: 'schema infer' }, async (message) => {
      const bytes = message[flags.part];
      if (bytes === null) empty += 1;
      else if (!inference.add(bytes)) {
        leftOut.count += 1;
        leftOut.first ||= message.place;
      }
    });
    if (inference.samples === 0) throw nothingSeen(leftOut, empty, flags.part);
    const inferred = await inference.result(format, {
      name: flags.name,
      enums: flags.enums,
      closed: flags.closed,
    });
    await this.#print(inferred, inference.samples);
    for (const { pointer, text } of inferred.notes)
      output.note(`${pointer === '' ? 'the whole' : pointer}: ${text}`);
    if (leftOut.count > 0)
      output.note(
        `${countText(leftOut.count)} ${leftOut.count === 1 ? 'is' : 'are'} no JSON and left out, the first at ${leftOut.first}`,
      );
    this.#sayChecked(inferred, inference.samples);
  }

  async #print({ schema, evidence, notes, checked }: Inferred, samples: number): Promise<void> {
    const { output, flags } = this;
    if (flags.output === 'table') return printTable(output, columns, evidence);
    if (flags.output === 'json') return output.printJson({ samples, schema, evidence, notes, checked });
    await output.printLines(JSON.stringify(schema, null, 2));
  }

  #sayChecked({ checked, evidence }: Inferred, samples: number): void {
    const said = `${countText(evidence.length)} ${evidence.length === 1 ? 'place' : 'places'} in ${countText(samples)} ${samples === 1 ? 'sample' : 'samples'}`;
    const { valid, samples: held } = checked;
    if (valid < held)
      this.output.warn(
        `${said}; ${countText(held - valid)} of ${countText(held)} are not valid by this schema`,
      );
    else
      this.output.note(
        `${said}; ${held === samples ? 'all' : `the first ${countText(held)}`} are valid by this schema`,
      );
  }
}

function nothingSeen(
  leftOut: { readonly count: number; readonly first: string },
  empty: number,
  part: 'key' | 'value',
): FailedError {
  if (leftOut.count > 0)
    return new FailedError(
      leftOut.count === 1
        ? `the only sample, at ${leftOut.first}, is no JSON`
        : `none of ${countText(leftOut.count)} samples is JSON, the first of them at ${leftOut.first}`,
      {
        hint: 'a file that is one message is read with --format raw; mqctl schema decode says what is in a message that is no JSON',
      },
    );
  return new FailedError(
    empty > 0 ? `none of ${countText(empty)} samples has a ${part}` : 'there are no samples',
  );
}

const columns = [
  { header: 'FIELD', cell: ({ pointer }: PlaceEvidence) => (pointer === '' ? '(whole)' : pointer) },
  { header: 'SEEN', align: 'right' as const, cell: ({ seen }: PlaceEvidence) => countText(seen) },
  { header: 'IN', cell: ({ of, within }: PlaceEvidence) => `${countText(of)} ${within}` },
  {
    header: 'TYPES',
    cell: ({ types, seen }: PlaceEvidence) =>
      types.map(({ type, count }) => (count === seen ? type : `${type} ${countText(count)}`)).join(', '),
  },
  { header: 'VALUES', cell: ({ values }: PlaceEvidence) => values },
];
