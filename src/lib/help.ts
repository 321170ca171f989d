import type { Interfaces } from '@oclif/core';
import { CommandHelp, Help } from '@oclif/core/help';
import { exitCodes } from './errors.ts';

/** Examples come first, then usage and grouped flags, then how it can end. */
class MqctlCommandHelp extends CommandHelp {
  protected override sections() {
    const sections = super.sections();
    const examples = sections.filter(({ header }) => header === 'EXAMPLES');
    const others = sections.filter(({ header }) => header !== 'EXAMPLES');
    const exitStatus = {
      header: 'EXIT STATUS',
      generate: () => ({ header: 'EXIT STATUS', body: exitStatusTable() }),
    };
    return [...examples, ...others, exitStatus];
  }
}

export default class MqctlHelp extends Help {
  protected override CommandHelpClass = MqctlCommandHelp;

  constructor(config: Interfaces.Config, options?: Partial<Interfaces.HelpOptions>) {
    super(config, {
      ...options,
      flagSortOrder: 'none',
      maxWidth: Math.min(process.stdout.columns || 100, 110),
    });
  }

  override formatRoot(): string {
    return `${super.formatRoot()}\n\nStart with\n  $ mqctl demo                                  a small incident to look around in, nothing to install\n  $ mqctl -c kafka://localhost:9092 ls          any URL works without configuration\n  $ mqctl context add prod kafka://host:9092    or give it a name`;
  }
}

function exitStatusTable(): { name: string; description: string }[] {
  return Object.values(exitCodes).map(({ code, meaning }) => ({
    name: code.toString(),
    description: meaning,
  }));
}
