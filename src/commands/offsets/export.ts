import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../../lib/base.ts';
import { outputFlag } from '../../lib/flags.ts';
import { csvLine } from '../../lib/output/csv.ts';
import { countOf } from '../../lib/output/time.ts';

export default class OffsetsExport extends BaseCommand<typeof OffsetsExport> {
  static override summary = 'Write where a group stands, for offsets import or kafka-consumer-groups';
  static override description =
    'CSV without a heading, topic,partition,offset: what kafka-consumer-groups --reset-offsets --from-file reads. Partitions in which nothing is committed are left out of CSV; JSON has them as null.';
  static override examples = [
    { description: 'Keep it', command: '<%= config.bin %> offsets export billing > billing.csv' },
    {
      description: 'With the group in front, for several groups in one file',
      command: '<%= config.bin %> offsets export billing --with-group >> groups.csv',
    },
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
    'with-group': Flags.boolean({ summary: 'group,topic,partition,offset', helpGroup: 'OUTPUT' }),
    output: outputFlag(['csv', 'json']),
  };

  async run(): Promise<void> {
    const { group } = this.args;
    const { driver } = await this.connect({ verb: 'offsets export', needs: ['positions'], changes: false });
    const { channel } = this.flags;
    const found = await driver.positions.read(group, this.signal, channel);
    const positions = found.filter((each) => channel?.includes(each.channel) !== false);
    if (this.flags.output === 'json') {
      const offsets = positions.map(({ channel, partition, committed, metadata }) => ({
        channel,
        partition,
        committed,
        metadata,
      }));
      return this.output.printJson({ group, at: new Date().toISOString(), target: driver.target, offsets });
    }
    const committed = positions.filter((each) => each.committed !== null);
    for (const { channel, partition, committed: offset } of committed) {
      const place = [channel, partition, offset];
      await this.output.print(csvLine(this.flags['with-group'] ? [group, ...place] : place));
    }
    const without = positions.length - committed.length;
    if (positions.length === 0) this.output.note(`the group "${group}" has committed nothing`);
    else if (without > 0)
      this.output.note(
        `${countOf(without, 'partition is', 'partitions are')} left out: nothing is committed there`,
      );
  }
}
