import { Args } from '@oclif/core';
import { BaseCommand } from '../../lib/base.ts';
import { outputFlag } from '../../lib/flags.ts';
import { printFields, printHeading } from '../../lib/output/fields.ts';
import { printTable } from '../../lib/output/table.ts';

export default class GroupsDescribe extends BaseCommand<typeof GroupsDescribe> {
  static override summary = 'Show a group: its kind, state, coordinator, and who holds what';
  static override examples = [
    { description: 'Who works for billing', command: '<%= config.bin %> groups describe billing' },
  ];
  static override args = {
    group: Args.string({ required: true, ignoreStdin: true, description: 'the group' }),
  };
  static override flags = { output: outputFlag(['table', 'json']) };

  async run(): Promise<void> {
    const { driver } = await this.connect({ verb: 'groups describe', needs: ['groups'], changes: false });
    const group = await driver.groups.describe(this.args.group, this.signal);
    if (this.flags.output === 'json') await this.output.printJson(group);
    else {
      await printFields(this.output, [
        ['group', group.group],
        ['kind', group.kind],
        ['state', group.state ?? 'unknown'],
        ['coordinator', group.coordinator],
        ['channels', group.channels.length === 0 ? null : group.channels.join(', ')],
      ]);
      await printHeading(this.output, 'members');
      if (group.memberList.length === 0) this.output.note('no members');
      await printTable(
        this.output,
        [
          { header: 'MEMBER', cell: ({ id }) => id },
          { header: 'CLIENT', cell: ({ client }) => client ?? '-' },
          { header: 'HOST', cell: ({ host }) => host ?? '-' },
          {
            header: 'HOLDS',
            cell: ({ partitions }) =>
              partitions
                .map(({ channel, partition }) => (partition === null ? channel : `${channel}:${partition}`))
                .join(' '),
          },
          { header: 'IN FLIGHT', align: 'right', cell: ({ inFlight }) => inFlight?.toString() ?? '-' },
          { header: 'PREFETCH', align: 'right', cell: ({ prefetch }) => prefetch?.toString() ?? '-' },
        ],
        group.memberList,
      );
    }
    for (const unknown of group.unknown) this.output.note(`unknown: ${unknown}`);
  }
}
