import { BaseCommand } from '../lib/base.ts';
import { channelArgument, outputFlag } from '../lib/flags.ts';
import type { ChannelDescription } from '../lib/drivers/driver.ts';
import { printFields, printHeading, printYaml } from '../lib/output/fields.ts';
import { printTable } from '../lib/output/table.ts';
import { countText } from '../lib/output/time.ts';

export default class Describe extends BaseCommand<typeof Describe> {
  static override summary =
    'Show one channel: partitions, settings, bindings, who reads it, where its dead letters go';
  static override examples = [
    { description: 'A topic or a queue', command: '<%= config.bin %> describe orders' },
    {
      description: 'One setting, for a script',
      command: '<%= config.bin %> describe orders -o json | jq -r \'.settings["retention.ms"]\'',
    },
  ];
  static override args = { channel: channelArgument };
  static override flags = { output: outputFlag(['table', 'json', 'yaml']) };

  async run(): Promise<void> {
    const { driver } = await this.connect({ verb: 'describe', needs: [], changes: false });
    const description = await driver.describe(this.args.channel, this.signal);
    if (this.flags.output === 'json') await this.output.printJson(description);
    else if (this.flags.output === 'yaml') await printYaml(this.output, description);
    else await this.#print(description);
    for (const unknown of description.unknown) this.output.note(`unknown: ${unknown}`);
  }

  async #print(description: ChannelDescription): Promise<void> {
    const { output } = this;
    const { messages, approximate, deadLetter, deadLetterOf, groups } = description;
    await printFields(output, [
      ['channel', description.channel],
      ['type', description.type],
      ['messages', messages === null ? 'unknown' : `${approximate ? 'at most ' : ''}${countText(messages)}`],
      ['consumers', description.consumers?.toString() ?? null],
      ['bytes', description.bytes === null ? null : countText(description.bytes)],
      ['groups', groups === null || groups.length === 0 ? null : groups.join(', ')],
      ['dead letters go to', deadLetter === null ? null : `${deadLetter.channel} (${deadLetter.how})`],
      ['dead letters of', deadLetterOf.length === 0 ? null : deadLetterOf.join(', ')],
    ]);
    if (description.partitionList.length > 0) {
      await printHeading(output, 'partitions');
      const columns = [
        { header: 'PARTITION', cell: ({ partition }: Row) => partition },
        { header: 'START', align: 'right', cell: ({ start }: Row) => start ?? 'unknown' },
        { header: 'END', align: 'right', cell: ({ end }: Row) => end ?? 'unknown' },
        { header: 'LEADER', cell: ({ leader }: Row) => leader ?? '-' },
        { header: 'REPLICAS', cell: ({ replicas }: Row) => replicas.join(',') },
        { header: 'IN SYNC', cell: ({ inSync }: Row) => inSync.join(',') },
      ] as const;
      const replicated = description.partitionList.some(({ leader }) => leader !== null);
      await printTable(output, replicated ? columns : columns.slice(0, 3), description.partitionList);
    }
    const settings = Object.entries(description.settings);
    if (settings.length > 0) {
      await printHeading(output, 'settings');
      await printFields(output, settings);
    }
    const { subscriptions = [] } = description;
    if (subscriptions.length > 0) {
      await printHeading(output, 'subscriptions');
      const subscriptionColumns = [
        { header: 'PROTOCOL', cell: ({ protocol }: Subscription) => protocol },
        { header: 'ENDPOINT', cell: ({ endpoint }: Subscription) => endpoint },
        {
          header: 'DEAD LETTERS GO TO',
          cell: ({ deadLetter: to }: Subscription) => to?.channel ?? 'nowhere',
        },
        {
          header: 'WAIT THERE',
          align: 'right',
          cell: ({ deadLetter: to }: Subscription) => (to === null ? '-' : countText(to.messages)),
        },
        { header: 'SETTINGS', cell: (subscription: Subscription) => pairsText(subscription.settings) },
      ] as const;
      await printTable(output, subscriptionColumns, subscriptions);
    }
    if (description.bindings.length > 0) {
      await printHeading(output, 'bindings');
      const bindingColumns = [
        { header: 'EXCHANGE', cell: ({ source }: Binding) => source },
        { header: 'ROUTING KEY', cell: ({ routingKey }: Binding) => routingKey },
        {
          header: 'ARGUMENTS',
          cell: (binding: Binding) => pairsText(binding.arguments),
        },
      ];
      await printTable(output, bindingColumns, description.bindings);
    }
  }
}

type Row = ChannelDescription['partitionList'][number];
type Binding = ChannelDescription['bindings'][number];
type Subscription = NonNullable<ChannelDescription['subscriptions']>[number];

function pairsText(pairs: Readonly<Record<string, string>>): string {
  return Object.entries(pairs)
    .map(([name, value]) => `${name}=${value}`)
    .join(' ');
}
