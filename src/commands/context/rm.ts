import { Args } from '@oclif/core';
import { BaseCommand } from '../../lib/base.ts';
import { changeFlags } from '../../lib/flags.ts';

export default class ContextRm extends BaseCommand<typeof ContextRm> {
  static override summary = 'Remove a context of yours from the file';
  static override description = 'Only what the file says goes: the system itself is not touched.';
  static override examples = [
    { description: 'In a script', command: '<%= config.bin %> context rm old --yes' },
  ];
  static override args = {
    name: Args.string({ required: true, ignoreStdin: true, description: 'name of the context' }),
  };
  static override flags = { yes: changeFlags.yes };

  async run(): Promise<void> {
    const { contextFile } = await import('../../lib/config/folders.ts');
    const { removeContext, requireContext } = await import('../../lib/config/context-file.ts');
    const { name } = this.args;
    const file = contextFile(process.env);
    await requireContext(file, name);
    if (!(await this.confirm(`Remove "${name}" from ${file}?`, { yes: this.flags.yes }))) {
      this.output.note('not removed');
      return;
    }
    await removeContext(file, name);
    this.output.note(`removed "${name}" from ${file}`);
  }
}
