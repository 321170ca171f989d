import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../../lib/base.ts';
import { outputFlag } from '../../lib/flags.ts';
import { NotFoundError, UsageError } from '../../lib/errors.ts';
import { visibleLines } from '../../lib/output/sanitise.ts';
import { openRegistry } from '../../lib/schema/registry/open-registry.ts';

export default class SchemaGet extends BaseCommand<typeof SchemaGet> {
  static override summary = 'A registered schema: by its subject, or by the id that messages carry';
  static override examples = [
    { description: 'The newest version', command: '<%= config.bin %> schema get orders-value > order.avsc' },
    { description: 'Version 3', command: '<%= config.bin %> schema get orders-value --version 3' },
    { description: 'What id 7 stands for', command: '<%= config.bin %> schema get --id 7 -o json' },
  ];
  static override args = { subject: Args.string({ ignoreStdin: true, description: 'the subject' }) };
  static override flags = {
    id: Flags.string({ summary: 'By its id', helpValue: 'N' }),
    version: Flags.string({ summary: 'The version', default: 'latest', helpValue: 'N' }),
    registry: Flags.string({
      summary: 'The registry, in the place of the one that the context names',
      helpValue: 'URL',
    }),
    output: outputFlag(['text', 'json']),
  };

  async run(): Promise<void> {
    const { flags, args, output } = this;
    if ((args.subject === undefined) === (flags.id === undefined))
      throw new UsageError('a schema is named by its subject or by --id, one of the two');
    const place = await this.requiredRegistry(flags.registry);
    const registry = openRegistry(place.settings, place.options);
    const schema =
      args.subject === undefined
        ? await registry.byKey({ by: 'id', value: flags.id ?? '' }, this.signal)
        : await registry.version(args.subject, flags.version, this.signal);
    if (schema === null)
      throw new NotFoundError(
        args.subject === undefined ? 'schema with the id' : 'subject',
        args.subject === undefined
          ? (flags.id ?? '')
          : flags.version === 'latest'
            ? args.subject
            : `${args.subject} version ${flags.version}`,
        registry.address,
        { hint: 'mqctl schema ls shows the subjects' },
      );
    if (flags.output === 'json') await output.printJson(schema);
    else await output.print(output.data.isTerminal ? visibleLines(schema.text) : schema.text);
  }
}
