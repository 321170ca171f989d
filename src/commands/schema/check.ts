import { Args, Flags } from '@oclif/core';
import { BaseCommand, countFlag, durationFlag, outputFlag } from '../../lib/base.ts';
import { AnswerIsNoError } from '../../lib/errors.ts';
import { visible } from '../../lib/output/sanitise.ts';
import { checkSchema, verdictFor, type CheckReport } from '../../lib/schema/check.ts';
import { schemaFormats, type SchemaSource } from '../../lib/schema/engine.ts';
import { engineOf, formatOfFile } from '../../lib/schema/engines.ts';
import { dialects } from '../../lib/schema/finding.ts';
import { parseMode, versionsFor, type CompatibilityMode } from '../../lib/schema/mode.ts';
import { checkDocument } from '../../lib/schema/report/check-json.ts';
import { checkText } from '../../lib/schema/report/check-text.ts';
import type { ReportLine } from '../../lib/schema/report/report-line.ts';
import { schemaFile, schemaOfRevision } from '../../lib/schema/source-file.ts';

interface OlderVersions {
  readonly sources: readonly SchemaSource[];
  /** That of the subject; null where there is none. */
  readonly mode: CompatibilityMode | null;
}

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
      description: 'Against the versions of a subject, in the mode that the registry has for it',
      command: '<%= config.bin %> schema check order.avsc --against subject:orders-value',
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
      summary:
        'Older versions: FILE, git:REVISION, git:REVISION:PATH, subject:NAME or subject:NAME@VERSION (repeatable, oldest first)',
      helpValue: 'VERSION',
    }),
    mode: Flags.string({
      summary:
        'BACKWARD, FORWARD, FULL, each also _TRANSITIVE, or NONE; without, that of the subject, else BACKWARD',
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
    registry: Flags.string({
      summary: 'The registry, in the place of the one that the context names',
      helpValue: 'URL',
    }),
    strict: Flags.boolean({ summary: 'What is not proved is exit 3, too' }),
    output: outputFlag(['text', 'json']),
  };

  async run(): Promise<void> {
    const { flags, args, output } = this;
    const engine = await engineOf(formatOfFile(args.schema, flags.format ?? null));
    const sources: SchemaSource[] = [await schemaFile(args.schema)];
    let mode = flags.mode === undefined ? null : parseMode(flags.mode);
    for (const against of flags.against) {
      const older = await this.#versions(against, mode);
      mode ??= older.mode;
      sources.push(...older.sources);
    }
    const [proposed, ...versions] = sources.map((source) => engine.parse(source));
    if (proposed === undefined) return;
    const search = { seed: flags.seed, timeMs: flags['witness-time'] };
    const report = await checkSchema(
      { engine, proposed, versions, mode: mode ?? 'BACKWARD', search },
      this.signal,
    );
    if (flags.output === 'json') await output.printJson(checkDocument(report));
    else {
      const texts = new Map(sources.map(({ name, text }) => [name, text]));
      await this.#printLines(checkText(report, flags.dialect, texts));
    }
    this.#answer(report);
  }

  async #versions(against: string, mode: CompatibilityMode | null): Promise<OlderVersions> {
    if (against.startsWith('git:')) {
      const revision = against.slice('git:'.length);
      return { sources: [await schemaOfRevision(revision, this.args.schema, this.signal)], mode: null };
    }
    const [, subject, version] = /^subject:(.+?)(?:@([^@]+))?$/.exec(against) ?? [];
    if (subject === undefined) return { sources: [await schemaFile(against)], mode: null };
    const { openRegistry } = await import('../../lib/schema/registry/open-registry.ts');
    const { subjectSource } = await import('../../lib/schema/registry/schema-source.ts');
    const place = await this.requiredRegistry(this.flags.registry);
    const registry = openRegistry(place.settings, place.options);
    const wanted = mode ?? (await registry.mode(subject, this.signal)) ?? 'BACKWARD';
    const all = (await registry.versions(subject, this.signal)) ?? [];
    if (mode === null && wanted === 'NONE')
      this.output.note(
        `the registry's mode for "${subject}" is NONE, so nothing is compared: say --mode to do it`,
      );
    if (all.length === 0) this.output.note(`"${subject}" has no version at ${registry.address} yet`);
    const sources: SchemaSource[] = [];
    for (const one of version === undefined ? versionsFor(wanted, all) : [version])
      sources.push((await subjectSource(registry, subject, one, this.signal)).source);
    return { sources, mode: wanted };
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
