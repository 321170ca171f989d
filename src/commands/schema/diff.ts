import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../../lib/base.ts';
import { outputFlag } from '../../lib/flags.ts';
import { UsageError } from '../../lib/errors.ts';
import { diffSchemas } from '../../lib/schema/diff.ts';
import { schemaFormats } from '../../lib/schema/engine.ts';
import { engineOf } from '../../lib/schema/engines.ts';
import { kindOf, namedSchema } from '../../lib/schema/named-schema.ts';
import { openRegistry } from '../../lib/schema/registry/open-registry.ts';
import { diffDocument, diffText } from '../../lib/schema/report/diff-report.ts';
import { printReport } from '../../lib/views/schema/print-report.ts';

/** Enough for witnesses of most findings; `schema check` is for those that want more. */
const search = { seed: 1, timeMs: 2_000 };

export default class SchemaDiff extends BaseCommand<typeof SchemaDiff> {
  static override summary = 'What changed between two versions of a schema';
  static override description = `The elements that were added, removed and changed, then what each version cannot read of the other, with the message that would break. Exit 0 whatever is found: schema check answers whether it may be shipped.

A version is FILE, git:REVISION:PATH, git:REVISION (for the path of the other one), subject:NAME or subject:NAME@VERSION.`;
  static override examples = [
    { description: 'Two files', command: '<%= config.bin %> schema diff v1.avsc v2.avsc' },
    {
      description: 'Since the main branch',
      command: '<%= config.bin %> schema diff git:main order.proto',
    },
    {
      description: 'Two versions of a subject, for a script',
      command: `<%= config.bin %> schema diff subject:orders-value@1 subject:orders-value -o json | jq -c '.elements[]'`,
    },
  ];
  static override args = {
    from: Args.string({ required: true, ignoreStdin: true, description: 'the older version' }),
    to: Args.string({ required: true, ignoreStdin: true, description: 'the newer version' }),
  };
  static override flags = {
    format: Flags.option({ options: schemaFormats, summary: 'Where the names of files do not say it' })(),
    registry: Flags.string({
      summary: 'The registry, in the place of the one that the context names',
      helpValue: 'URL',
    }),
    output: outputFlag(['text', 'json']),
  };

  async run(): Promise<void> {
    const { args, flags, output } = this;
    const from = await this.#schema(withPath(args.from, args.to));
    const to = await this.#schema(withPath(args.to, args.from));
    if (from.format !== to.format)
      throw new UsageError(
        `"${args.from}" is of the format ${from.format}, "${args.to}" of the format ${to.format}`,
        { hint: 'name two versions of one schema' },
      );
    const diff = await diffSchemas(await engineOf(to.format), from, to, search, this.signal);
    if (flags.output === 'json') return output.printJson(diffDocument(diff));
    const texts = new Map([from, to].map(({ source }) => [source.name, source.text]));
    return printReport(output, diffText(diff, texts));
  }

  async #schema(name: string) {
    const registry = async () => {
      const { settings, options } = await this.requiredRegistry(this.flags.registry);
      return openRegistry(settings, options);
    };
    return (await namedSchema(name, this.flags.format ?? null, registry, this.signal)).schema;
  }
}

/** A revision without a path is meant for that of the other version, where that is a file. */
function withPath(name: string, other: string): string {
  const needsPath = kindOf(name) === 'revision' && /^git:[^:]+$/.test(name);
  return needsPath && kindOf(other) === 'file' ? `${name}:${other}` : name;
}
