import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../../lib/base.ts';
import { changeFlags } from '../../lib/flags.ts';
import { NotFoundError } from '../../lib/errors.ts';

export default class ContextTrust extends BaseCommand<typeof ContextTrust> {
  static override summary = 'Trust the context file of a project, as it is now';
  static override description = `A project's .mqctl.yaml comes with a clone. Until it is trusted it is data: it runs no command, reads no file and no environment variable, asks for nothing, chooses no context, and takes no name that your own file has.

Trust is by content: when the file changes, it ends.`;
  static override examples = [
    { description: 'The project around the working folder', command: '<%= config.bin %> context trust' },
    { description: 'No longer', command: '<%= config.bin %> context trust --revoke' },
  ];
  static override args = {
    file: Args.string({
      ignoreStdin: true,
      description: 'the .mqctl.yaml around the working folder when left out',
    }),
  };
  static override flags = {
    revoke: Flags.boolean({ summary: 'End the trust' }),
    yes: changeFlags.yes,
  };

  async run(): Promise<void> {
    const { stateFolder } = await import('../../lib/config/folders.ts');
    const { findProjectFile, projectFileName } = await import('../../lib/config/project-file.ts');
    const { distrust, isTrusted, trust } = await import('../../lib/config/trust.ts');
    const { readSmallFile } = await import('../../lib/config/private-file.ts');
    const { parseContextFile } = await import('../../lib/config/context-file.ts');

    const directory = process.cwd();
    const file = this.args.file ?? (await findProjectFile(directory));
    const text = file === null ? null : await readSmallFile(file);
    if (file === null || text === null)
      throw new NotFoundError('project file', file ?? projectFileName, directory, {
        hint: 'it is looked for upwards to the root of the repository',
      });
    const state = stateFolder(process.env);
    if (this.flags.revoke) {
      this.output.note(
        (await distrust(state, file)) ? `no longer trusted: ${file}` : `was not trusted: ${file}`,
      );
      return;
    }
    if (await isTrusted(state, file, text)) {
      this.output.note(`trusted already: ${file}`);
      return;
    }
    const { contexts, current } = await parseContextFile(text, file);
    const { does } = await import('../../lib/config/what-a-file-does.ts');
    this.output.note(
      `${file} has ${[...contexts.keys()].join(', ') || 'no context'}${current === null ? '' : `, and chooses "${current}"`}`,
    );
    for (const line of does(contexts)) this.output.note(`  ${line}`);
    if (!(await this.confirm(`Trust ${file} as it is now?`, { yes: this.flags.yes }))) {
      this.output.note('not trusted');
      return;
    }
    await trust(state, file, text); // what was shown, even if the file has changed since
    this.output.note(`trusted: ${file}`);
  }
}
