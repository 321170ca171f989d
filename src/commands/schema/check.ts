import { Args, Flags } from '@oclif/core';
import { BaseCommand, countFlag, durationFlag, outputFlag } from '../../lib/base.ts';
import { AnswerIsNoError } from '../../lib/errors.ts';
import { visible } from '../../lib/output/sanitise.ts';
import { checkSchema, verdictFor, type CheckReport } from '../../lib/schema/check.ts';
import { schemaFormats, type SchemaSource } from '../../lib/schema/engine.ts';
import { engineOf, formatOfFile } from '../../lib/schema/engines.ts';
import { dialects } from '../../lib/schema/finding.ts';
import { parseMode } from '../../lib/schema/mode.ts';
import { checkDocument } from '../../lib/schema/report/check-json.ts';
import { checkText } from '../../lib/schema/report/check-text.ts';
import type { ReportLine } from '../../lib/schema/report/report-line.ts';
import { schemaFile, schemaOfRevision } from '../../lib/schema/source-file.ts';

export default class SchemaCheck extends BaseCommand<typeof SchemaCheck> {
  static override summary = 'May this schema be shipped? What a registry says, and what real data says';
  static override description = `Compares a schema with older versions, oldest first, in a compatibility mode. Two answers stand side by side: whether a registry would reject it, by which rule, and whether data breaks.

Exit 0 when it is compatible, 3 when the dialect rejects it or data breaks. What could not be proved is 0 with a warning, and 3 with --strict.`;
  static override examples = [
    {
      description: 'Against the main branch',
      command: '<%= config.bin %> schema check order.avsc --against git:main',
    },
    {
      description: 'Against two files, in both directions',
      command:
        '<%= config.bin %> schema check order.avsc --against v1.avsc --against v2.avsc --mode full_transitive',
    },
  ];
  static override args = {
    schema: Args.string({
      required: true,
      ignoreStdin: true,
      description: 'the file of the proposed schema',
    }),
  };
  static override flags = {
    against: Flags.string({
      multiple: true,
      required: true,
      summary: 'An older version: FILE, git:REVISION or git:REVISION:PATH (repeatable, oldest first)',
      helpValue: 'VERSION',
    }),
    mode: Flags.string({
      default: 'BACKWARD',
      summary: 'BACKWARD, FORWARD, FULL, each also _TRANSITIVE, or NONE',
      helpValue: 'MODE',
    }),
    format: Flags.option({ options: schemaFormats, summary: 'Where the name of the file does not say it' })(),
    dialect: Flags.option({
      options: dialects,
      default: 'confluent',
      summary: 'Whose rules decide, beside the data',
    })(),
    seed: countFlag({ summary: 'Repeats the search for witnesses', default: 1, helpGroup: 'WITNESS' }),
    'witness-time': durationFlag({
      summary: 'How long to search for each witness',
      default: 2_000,
      defaultHelp: async () => '2s',
      helpGroup: 'WITNESS',
    }),
    strict: Flags.boolean({ summary: 'What is not proved is exit 3, too' }),
    output: outputFlag(['text', 'json']),
  };

  async run(): Promise<void> {
    const { flags, args, output } = this;
    const mode = parseMode(flags.mode);
    const engine = await engineOf(formatOfFile(args.schema, flags.format ?? null));
    const sources: SchemaSource[] = [await schemaFile(args.schema)];
    for (const against of flags.against) sources.push(await this.#version(against));
    const [proposed, ...versions] = sources.map((source) => engine.parse(source));
    if (proposed === undefined) return;
    const search = { seed: flags.seed, timeMs: flags['witness-time'] };
    const report = await checkSchema({ engine, proposed, versions, mode, search }, this.signal);
    if (flags.output === 'json') await output.printJson(checkDocument(report));
    else {
      const texts = new Map(sources.map(({ name, text }) => [name, text]));
      await this.#printLines(checkText(report, flags.dialect, texts));
    }
    this.#answer(report);
  }

  async #version(against: string): Promise<SchemaSource> {
    return against.startsWith('git:')
      ? schemaOfRevision(against.slice('git:'.length), this.args.schema, this.signal)
      : schemaFile(against);
  }

  async #printLines(lines: readonly ReportLine[]): Promise<void> {
    const { colour } = this.output;
    const paint: Readonly<Record<ReportLine['kind'], (text: string) => string>> = {
      plain: (text) => text,
      title: colour.bold,
      good: colour.green,
      bad: colour.red,
      doubtful: colour.yellow,
      dim: colour.dim,
    };
    await this.output.print(lines.map(({ kind, text }) => paint[kind](visible(text))).join('\n'));
  }

  #answer(report: CheckReport): void {
    const { strict, dialect } = this.flags;
    const verdict = verdictFor(report, dialect);
    if (verdict === 'incompatible') throw new AnswerIsNoError(`${report.proposed} is not compatible`);
    if (verdict === 'compatible') return;
    const text = `whether data of ${report.proposed} breaks is not proved`;
    if (strict) throw new AnswerIsNoError(text);
    this.output.warn(text);
  }
}
