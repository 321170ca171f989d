import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../../lib/base.ts';
import { changeFlags, outputFlag, toldReasonFlag } from '../../lib/flags.ts';
import { UsageError } from '../../lib/errors.ts';
import { schemaFormats } from '../../lib/schema/engine.ts';
import { engineOf, formatOfFile } from '../../lib/schema/engines.ts';
import { openRegistry } from '../../lib/schema/registry/open-registry.ts';
import type { ReferenceTo } from '../../lib/schema/registry/registry.ts';
import { sourceOf } from '../../lib/schema/registry/schema-source.ts';
import { schemaFile } from '../../lib/schema/source-file.ts';

export default class SchemaRegister extends BaseCommand<typeof SchemaRegister> {
  static override summary = 'Register a schema under a subject';
  static override description = `The schema is parsed here first, with what it refers to. A registry that rejects it says so: exit 3; schema check says why, and which message would break.`;
  static override examples = [
    { description: 'A new version', command: '<%= config.bin %> schema register orders-value order.avsc' },
    {
      description: 'One that uses another',
      command:
        '<%= config.bin %> schema register orders-value order.avsc --reference com.shop.Customer=customer-value:1',
    },
  ];
  static override args = {
    subject: Args.string({ required: true, ignoreStdin: true, description: 'the subject' }),
    schema: Args.string({ required: true, ignoreStdin: true, description: 'the file' }),
  };
  static override flags = {
    reference: Flags.string({
      multiple: true,
      summary: 'What it refers to, and where that is registered (repeatable)',
      helpValue: 'NAME=SUBJECT:VERSION',
    }),
    format: Flags.option({ options: schemaFormats, summary: 'Where the name of the file does not say it' })(),
    registry: Flags.string({
      summary: 'The registry, in the place of the one that the context names',
      helpValue: 'URL',
    }),
    yes: changeFlags.yes,
    'dry-run': changeFlags['dry-run'],
    reason: toldReasonFlag,
    output: outputFlag(['text', 'json']),
  };

  async run(): Promise<void> {
    const { flags, args, output } = this;
    const format = formatOfFile(args.schema, flags.format ?? null);
    const file = await schemaFile(args.schema);
    const place = await this.requiredRegistry(flags.registry, true);
    const registry = openRegistry(place.settings, place.options);
    const references = (flags.reference ?? []).map(parseReference);
    const request = { subject: args.subject, format, text: file.text, references };
    const registered = { id: null, version: null, ...request };
    const engine = await engineOf(format);
    engine.parse(await sourceOf(registry, registered, file.name, this.signal));
    const question = `register ${args.schema} at ${registry.address} as a version of "${args.subject}"?`;
    this.tellReason(flags.reason);
    if (flags['dry-run']) {
      output.note(`would ${question.slice(0, -1)}`);
      return;
    }
    if (!(await this.confirm(question, { yes: flags.yes }))) throw new UsageError('not done');
    const { id, version } = await registry.register(request, this.signal);
    if (flags.output === 'json')
      await output.printJson({ subject: args.subject, id, version, reason: flags.reason ?? null });
    else output.note(`"${args.subject}" has it with the id ${id ?? 'unknown'}`);
  }
}

function parseReference(text: string): ReferenceTo {
  const [, name, subject, version] = /^(.+?)=(.+):([^:]+)$/.exec(text) ?? [];
  if (name === undefined || subject === undefined || version === undefined)
    throw new UsageError(`"${text}" is no reference`, { hint: 'write NAME=SUBJECT:VERSION' });
  return { name, subject, version };
}
