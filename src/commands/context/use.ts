import { Args } from '@oclif/core';
import { BaseCommand } from '../../lib/base.ts';

export default class ContextUse extends BaseCommand<typeof ContextUse> {
  static override summary = 'Make a context of yours the current one';
  static override description =
    'Commands without --context use it. MQCTL_CONTEXT, and a trusted project file that names one, go before it.';
  static override examples = [{ description: 'From now on', command: '<%= config.bin %> context use dev' }];
  static override args = {
    name: Args.string({ required: true, ignoreStdin: true, description: 'name of the context' }),
  };

  async run(): Promise<void> {
    const { contextFile } = await import('../../lib/config/folders.ts');
    const { useContext } = await import('../../lib/config/context-file.ts');
    const { knownContexts } = await import('../../lib/config/contexts.ts');
    const { name } = this.args;
    await useContext(contextFile(process.env), name);
    const known = await knownContexts({ environment: process.env, directory: process.cwd() });
    if (known.current === name) this.output.note(`the current context is "${name}"`);
    else
      this.output.warn(
        `"${name}" is your current context, but ${known.currentFrom ?? ''} says "${known.current ?? ''}" here`,
      );
  }
}
