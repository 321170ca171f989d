import { Args, Flags } from '@oclif/core';
import { planUndo } from '../../lib/operations/change-positions.ts';
import { PositionCommand, positionFlags } from '../../lib/position-command.ts';

export default class OffsetsUndo extends PositionCommand<typeof OffsetsUndo> {
  static override summary = 'Put a group back where it stood before its last reset';
  static override description = `Every partition, to the letter, "nothing committed" too: also after a reset that was cut short. Asked again, it undoes the reset before that. Where the group has read on meanwhile, the plan shows from where it is taken back.

What was there is kept on the machine that did the reset: mqctl jobs ls --kind reset lists it.`;
  static override examples = [
    { description: 'What would be put back?', command: '<%= config.bin %> offsets undo billing' },
    { description: 'Do it', command: '<%= config.bin %> offsets undo billing --yes' },
  ];
  static override args = {
    group: Args.string({ required: true, ignoreStdin: true, description: 'the group' }),
  };
  static override flags = {
    job: Flags.string({
      summary: 'As before this job, not the last one',
      helpValue: 'ID',
      helpGroup: 'SCOPE',
    }),
    ...positionFlags,
  };

  async run(): Promise<void> {
    const { flags, args } = this;
    const choice = {
      yes: flags.yes,
      dryRun: flags['dry-run'],
      json: flags.output === 'json',
      reason: flags.reason ?? null,
      verb: 'put back',
    };
    const connected = await this.connect({
      verb: 'offsets undo',
      needs: ['positions'],
      changes: !this.isDryRun(choice),
    });
    const { stateFolder } = await this.environment();
    const prepared = await planUndo(
      connected.driver,
      args.group,
      stateFolder,
      flags.job ?? null,
      this.signal,
    );
    await this.carryOut(connected, prepared, choice);
  }
}
