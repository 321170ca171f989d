import { Args } from '@oclif/core';
import { BaseCommand } from '../../lib/base.ts';
import { changeFlags, outputFlag, toldReasonFlag } from '../../lib/flags.ts';
import { FailedError, UnsupportedError } from '../../lib/errors.ts';
import { countOf } from '../../lib/output/time.ts';

export default class GroupsDelete extends BaseCommand<typeof GroupsDelete> {
  static override summary = 'Delete a group and what it has committed; messages stay';
  static override description =
    'Shows first what would be forgotten. A group that has members is refused, and they are listed. There is no way back but the positions that offsets export kept: the name has to be typed, or --yes given.';
  static override examples = [
    {
      description: 'Keep where it stood, then delete it',
      command:
        '<%= config.bin %> offsets export billing.old > billing.old.csv && <%= config.bin %> groups delete billing.old --yes',
    },
  ];
  static override args = {
    group: Args.string({ required: true, ignoreStdin: true, description: 'the group' }),
  };
  static override flags = {
    yes: changeFlags.yes,
    'dry-run': changeFlags['dry-run'],
    reason: toldReasonFlag,
    output: outputFlag(['table', 'json']),
  };

  async run(): Promise<void> {
    const { flags, args, output } = this;
    const { driver } = await this.connect({
      verb: 'groups delete',
      needs: ['groups'],
      changes: !flags['dry-run'],
      check: ({ system, facets }) => {
        const hint = facets.groups?.undeletable ?? null;
        if (hint !== null) throw new UnsupportedError(`${system} has not got "groups delete"`, { hint });
      },
    });
    const group = await driver.groups.describe(args.group, this.signal);
    const positions = (await driver.positions?.read(args.group, this.signal)) ?? [];
    const committed = positions.filter((each) => each.committed !== null);
    output.note(
      `${flags['dry-run'] ? 'would delete' : 'deletes'} the ${group.kind} group "${group.group}" at ${driver.target}: ${countOf(committed.length, 'position')} in ${group.channels.length === 0 ? 'no channel' : group.channels.join(', ')}`,
    );
    this.tellReason(flags.reason);
    if (group.memberList.length > 0) {
      for (const { id, client, host } of group.memberList)
        output.note(`  ${[id, client, host].filter((part) => part !== null).join(', ')}`);
      throw new FailedError(`the group "${group.group}" has members, so it cannot be deleted`, {
        code: 'ACTIVE',
        hint: 'stop its consumers first',
      });
    }
    if (flags['dry-run']) return this.#say(false, committed.length);
    if (!(await this.confirmByName('deleting it', group.group, { yes: flags.yes }))) {
      output.note('not deleted');
      return;
    }
    await driver.groups.delete(group.group, this.signal);
    await this.#say(true, committed.length);
  }

  async #say(deleted: boolean, positions: number): Promise<void> {
    const { group } = this.args;
    const reason = this.flags.reason ?? null;
    if (this.flags.output === 'json') await this.output.printJson({ group, deleted, positions, reason });
    else if (deleted) this.output.note(`deleted "${group}"`);
  }
}
