import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../../lib/base.ts';
import { countFlag, durationFlag, outputFlag } from '../../lib/flags.ts';
import { AnswerIsNoError } from '../../lib/errors.ts';
import { junitReport } from '../../lib/output/junit.ts';
import { checkSchema, verdictFor, type CheckReport } from '../../lib/schema/check.ts';
import { schemaFormats, type SchemaSource } from '../../lib/schema/engine.ts';
import { engineOf, formatOfFile } from '../../lib/schema/engines.ts';
import { dialects } from '../../lib/schema/finding.ts';
import { parseMode, versionsFor, type CompatibilityMode } from '../../lib/schema/mode.ts';
import { checkDocument } from '../../lib/schema/report/check-json.ts';
import { checkCases } from '../../lib/schema/report/check-junit.ts';
import { checkSarif } from '../../lib/schema/report/check-sarif.ts';
import { checkText } from '../../lib/schema/report/check-text.ts';
import { kindOf, parseSubject } from '../../lib/schema/named-schema.ts';
import { schemaFile, schemaOfRevision } from '../../lib/schema/source-file.ts';
import { printReport } from '../../lib/views/schema/print-report.ts';

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
    {
      description: 'For a code host, which shows each finding beside its line',
      command: '<%= config.bin %> schema check order.avsc --against git:main -o sarif > schemas.sarif',
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
    output: outputFlag(['text', 'json', 'sarif', 'junit']),
  };

  async run(): Promise<void> {
    const { flags, args } = this;
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
    await this.#print(report, sources);
    this.#answer(report);
  }

  async #print(report: CheckReport, sources: readonly SchemaSource[]): Promise<void> {
    const { output, flags, args } = this;
    const { dialect } = flags;
    switch (flags.output) {
      case 'json':
        return output.printJson(checkDocument(report));
      case 'sarif': {
        const files = new Set([
          args.schema,
          ...flags.against.filter((against) => kindOf(against) === 'file'),
        ]);
        return output.printJson(checkSarif(report, { dialect, files, toolVersion: this.config.version }));
      }
      case 'junit':
        return output.printLines(
          junitReport('mqctl schema check', checkCases(report, dialect, flags.strict)),
        );
      case 'text':
      case undefined: {
        const texts = new Map(sources.map(({ name, text }) => [name, text]));
        return printReport(output, checkText(report, dialect, texts));
      }
    }
  }

  async #versions(against: string, mode: CompatibilityMode | null): Promise<OlderVersions> {
    if (kindOf(against) === 'revision') {
      const revision = against.slice('git:'.length);
      return { sources: [await schemaOfRevision(revision, this.args.schema, this.signal)], mode: null };
    }
    if (kindOf(against) === 'file') return { sources: [await schemaFile(against)], mode: null };
    const { subject, version } = parseSubject(against);
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
    for (const one of version === null ? versionsFor(wanted, all) : [version])
      sources.push((await subjectSource(registry, subject, one, this.signal)).source);
    return { sources, mode: wanted };
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
