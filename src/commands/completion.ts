import { Args } from '@oclif/core';
import { BaseCommand } from '../lib/base.ts';
import { completionStub, shells } from '../lib/completion/shells.ts';

export default class Completion extends BaseCommand<typeof Completion> {
  static override summary = 'Print what a shell needs to complete commands, contexts, channels and groups';
  static override description =
    'Completion asks the system for names, for at most 300 ms. It never runs a command of a context file and never asks for a secret.';
  static override examples = [
    {
      description: 'bash',
      command: '<%= config.bin %> completion bash > ~/.local/share/bash-completion/completions/mqctl',
    },
    { description: 'zsh', command: '<%= config.bin %> completion zsh > "${fpath[1]}/_mqctl"' },
    {
      description: 'fish',
      command: '<%= config.bin %> completion fish > ~/.config/fish/completions/mqctl.fish',
    },
  ];
  static override args = {
    shell: Args.string({ required: true, ignoreStdin: true, options: [...shells], description: 'the shell' }),
  };

  async run(): Promise<void> {
    const shell = shells.find((name) => name === this.args.shell) ?? 'bash';
    await this.output.print(completionStub(shell));
  }
}
