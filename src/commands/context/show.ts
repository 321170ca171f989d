import { Args } from '@oclif/core';
import { BaseCommand } from '../../lib/base.ts';
import { outputFlag } from '../../lib/flags.ts';
import { NotFoundError, UsageError } from '../../lib/errors.ts';
import { nearest } from '../../lib/nearest.ts';
import { printYaml } from '../../lib/output/fields.ts';

export default class ContextShow extends BaseCommand<typeof ContextShow> {
  static override summary = 'Show one context, without its secrets';
  static override description =
    'Shows what the file says: passwords are hidden, placeholders such as ${env:NAME} stay as they are.';
  static override examples = [
    { description: 'The current one', command: '<%= config.bin %> context show' },
    { description: 'By name, for a script', command: '<%= config.bin %> context show prod -o json' },
  ];
  static override args = {
    name: Args.string({ ignoreStdin: true, description: 'the current one when left out' }),
  };
  static override flags = { output: outputFlag(['yaml', 'json']) };

  async run(): Promise<void> {
    const { knownContexts } = await import('../../lib/config/contexts.ts');
    const { redactFields } = await import('../../lib/config/redact.ts');
    const { writtenFields } = await import('../../lib/config/context-file.ts');
    const known = await knownContexts({ environment: process.env, directory: process.cwd() });
    const name = this.args.name ?? this.flags.context ?? known.current;
    if (name === null)
      throw new UsageError('no context is chosen', { hint: 'mqctl context ls shows those there are' });
    const found = known.byName.get(name);
    if (found === undefined) {
      const meant = nearest(name, [...known.byName.keys()]);
      throw new NotFoundError('context', name, known.ownFile, {
        hint: meant === null ? 'mqctl context ls shows those there are' : `did you mean "${meant}"?`,
      });
    }
    const document = {
      name,
      file: found.origin.file,
      trusted: found.origin.kind === 'own' || found.origin.trusted,
      current: name === known.current,
      ...writtenFields(redactFields(found.fields)),
    };
    if (this.flags.output === 'json') await this.output.printJson(document);
    else await printYaml(this.output, document);
  }
}
