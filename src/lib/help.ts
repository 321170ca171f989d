import type { Command, Interfaces } from '@oclif/core';
import { CommandHelp, Help } from '@oclif/core/help';
import { exitCodes } from './errors.ts';
import { processOutput } from './output/process-output.ts';

/** What a person looks for first comes first. */
const order = ['EXAMPLES', 'USAGE', 'DESCRIPTION', 'ARGUMENTS', 'FLAGS'];

/** Examples, usage and text, the flags in their groups, then how it can end. */
class MqctlCommandHelp extends CommandHelp {
  protected override sections() {
    const sections = super.sections();
    const place = (header: string): number => (order.includes(header) ? order.indexOf(header) : order.length);
    const exitStatus = {
      header: 'EXIT STATUS',
      generate: () => ({ header: 'EXIT STATUS', body: exitStatusTable() }),
    };
    return [...sections.sort((one, other) => place(one.header) - place(other.header)), exitStatus];
  }

  /** The flags have a section of their own; all of them in one line help nobody. */
  protected override defaultUsage(): string {
    const args = Object.values(this.command.args).map(({ name, required }) => {
      const word = `${name.toUpperCase()}${this.command.strict === false ? '...' : ''}`;
      return required === true ? word : `[${word}]`;
    });
    return [this.command.id.replaceAll(':', ' '), ...args, '[flags]'].join(' ');
  }

  /** What every command has comes last. */
  protected override groupFlags(flags: Command.Flag.Any[]) {
    const { mainFlags, flagGroups } = super.groupFlags(flags);
    const { GLOBAL: shared, ...own } = flagGroups;
    return { mainFlags, flagGroups: shared === undefined ? own : { ...own, GLOBAL: shared } };
  }
}

export default class MqctlHelp extends Help {
  protected override CommandHelpClass = MqctlCommandHelp;

  constructor(config: Interfaces.Config, options?: Partial<Interfaces.HelpOptions>) {
    super(config, { ...options, flagSortOrder: 'none', maxWidth: Math.min(processOutput.data.columns, 110) });
  }

  override formatRoot(): string {
    return `${super.formatRoot()}

START WITH
  mqctl demo                                  a small incident to look around in, nothing to install
  mqctl ls -c kafka://localhost:9092          any URL works without configuration
  mqctl context add prod kafka://host:9092    or give it a name`;
  }
}

function exitStatusTable(): { name: string; description: string }[] {
  return Object.values(exitCodes).map(({ code, meaning }) => ({
    name: code.toString(),
    description: meaning,
  }));
}
