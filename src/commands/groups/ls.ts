import { Flags } from '@oclif/core';
import { BaseCommand } from '../../lib/base.ts';
import { outputFlag } from '../../lib/flags.ts';
import { listingFormats, printListing } from '../../lib/output/listing.ts';

export default class GroupsLs extends BaseCommand<typeof GroupsLs> {
  static override aliases = ['groups:list'];
  static override summary = 'List consumer groups';
  static override examples = [
    { description: 'All groups', command: '<%= config.bin %> groups ls' },
    { description: 'Those that nobody works for', command: '<%= config.bin %> groups ls --state empty' },
  ];
  static override flags = {
    match: Flags.string({ summary: 'Only names that match', helpValue: 'GLOB' }),
    state: Flags.string({ summary: 'Only in this state, as the STATE column says it', helpValue: 'STATE' }),
    output: outputFlag(listingFormats),
  };

  async run(): Promise<void> {
    const { driver } = await this.connect({ verb: 'groups ls', needs: ['groups'], changes: false });
    const wanted = this.flags.state?.toLowerCase();
    const groups = await driver.groups.list({ match: this.flags.match ?? null }, this.signal);
    await printListing(this.output, this.flags.output ?? 'table', {
      columns: [
        { header: 'GROUP', cell: ({ group }) => group },
        { header: 'KIND', cell: ({ kind }) => kind },
        { header: 'STATE', cell: ({ state }) => state ?? 'unknown' },
        { header: 'MEMBERS', align: 'right', cell: ({ members }) => members?.toString() ?? 'unknown' },
      ],
      rows: groups.filter(({ state }) => wanted === undefined || state?.toLowerCase() === wanted),
      record: (row) => ({ ...row }),
      document: (records) => ({ groups: records }),
      empty: `no group at ${driver.target}`,
    });
  }
}
