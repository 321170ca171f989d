import { Args, Flags } from '@oclif/core';
import { UsageError } from '../../lib/errors.ts';
import { parsePositions } from '../../lib/message/position-grammar.ts';
import { planReset } from '../../lib/operations/change-positions.ts';
import { targetsOf } from '../../lib/operations/position-scope.ts';
import { PositionCommand, positionFlags, scopeFlags } from '../../lib/position-command.ts';

export default class OffsetsReset extends PositionCommand<typeof OffsetsReset> {
  static override summary = 'Put a group elsewhere: show what that means, and do it with --yes';
  static override description = `Shows where the group stands and would stand, how many messages it would read again or skip, and of what time. That is all, unless --yes is said or the question is answered.

The group is never joined. One that has members is refused, and they are listed: they would go on from where they are. What was committed is kept before anything is set: mqctl offsets undo puts it back, also after a run that was cut short.

--to takes start, end, each ±N (end-100); an offset, or after:N behind it; a time (@-1h, @2026-11-20T10:00:00Z); group:NAME, where that group stands; current±N; or one for each partition, 0:42,1:end. A place outside of what is kept is brought into range and marked; an offset that is not there is refused, unless --clamp.`;
  static override examples = [
    {
      description: 'What would it mean to read the last hour again?',
      command: '<%= config.bin %> offsets reset billing --channel orders --to @-1h',
    },
    {
      description: 'Do it',
      command:
        '<%= config.bin %> offsets reset billing --channel orders --to @-1h --yes --reason "incident 42"',
    },
    {
      description: 'Pass over one poison message',
      command: '<%= config.bin %> offsets reset billing --channel orders --partition 3 --to current+1',
    },
    {
      description: 'To where another group stands, everywhere',
      command: '<%= config.bin %> offsets reset billing-new --all-channels --to group:billing',
    },
  ];
  static override args = {
    group: Args.string({ required: true, ignoreStdin: true, description: 'the group' }),
  };
  static override flags = {
    to: Flags.string({ required: true, summary: 'Where to', helpValue: 'POSITION', helpGroup: 'SCOPE' }),
    ...scopeFlags,
    ...positionFlags,
  };

  async run(): Promise<void> {
    const { flags, args } = this;
    if (flags.channel === undefined && !flags['all-channels'])
      throw new UsageError('in which channels?', { hint: 'say --channel (repeatable), or --all-channels' });
    const now = Date.now();
    const to = parsePositions(flags.to, now);
    const choice = {
      yes: flags.yes,
      dryRun: flags['dry-run'],
      json: flags.output === 'json',
      reason: flags.reason ?? null,
      verb: 'set',
    };
    const connected = await this.connect({
      verb: 'offsets reset',
      needs: ['positions'],
      changes: !this.isDryRun(choice),
    });
    const scope = { channels: flags.channel ?? null, partitions: flags.partition ?? null, to };
    const targets = await targetsOf(connected.driver, args.group, scope, now, this.signal);
    const prepared = await planReset(connected.driver, args.group, targets, flags.clamp, this.signal);
    await this.carryOut(connected, prepared, choice);
  }
}
