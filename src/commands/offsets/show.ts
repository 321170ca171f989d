import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../../lib/base.ts';
import { outputFlag } from '../../lib/flags.ts';
import { listingFormats, printListing } from '../../lib/output/listing.ts';

export default class OffsetsShow extends BaseCommand<typeof OffsetsShow> {
  static override summary = 'Show where a group stands in each partition';
  static override description =
    'COMMITTED is the next message to be read. The group is not joined and nothing is changed.';
  static override examples = [
    { description: 'As CSV', command: '<%= config.bin %> offsets show billing -o csv' },
  ];
  static override args = {
    group: Args.string({ required: true, ignoreStdin: true, description: 'the group' }),
  };
  static override flags = {
    channel: Flags.string({
      multiple: true,
      summary: 'Only in this channel (repeatable)',
      helpValue: 'CHANNEL',
    }),
    output: outputFlag(listingFormats),
  };

  async run(): Promise<void> {
    const { driver } = await this.connect({ verb: 'offsets show', needs: ['positions'], changes: false });
    const { channel } = this.flags;
    const found = await driver.positions.read(this.args.group, this.signal, channel);
    const positions = found.filter((each) => channel?.includes(each.channel) !== false);
    await printListing(this.output, this.flags.output ?? 'table', {
      columns: [
        { header: 'CHANNEL', cell: ({ channel }) => channel },
        { header: 'PARTITION', align: 'right', cell: ({ partition }) => partition ?? '-' },
        { header: 'COMMITTED', align: 'right', cell: ({ committed }) => committed ?? 'none' },
        { header: 'START', align: 'right', cell: ({ start }) => start ?? 'unknown' },
        { header: 'END', align: 'right', cell: ({ end }) => end ?? 'unknown' },
        { header: 'METADATA', cell: ({ metadata }) => metadata ?? '' },
      ],
      rows: positions,
      record: (row) => ({ group: this.args.group, ...row }),
      document: (offsets) => ({ group: this.args.group, offsets }),
      empty: `the group "${this.args.group}" has committed nothing`,
    });
  }
}
