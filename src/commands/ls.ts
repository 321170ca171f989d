import { Flags } from '@oclif/core';
import { BaseCommand } from '../lib/base.ts';
import { outputFlag } from '../lib/flags.ts';
import type { ChannelSummary } from '../lib/drivers/driver.ts';
import { listChannels } from '../lib/operations/list-channels.ts';
import { listingFormats, printListing } from '../lib/output/listing.ts';
import type { Column } from '../lib/output/table.ts';
import { countText } from '../lib/output/time.ts';

export default class Ls extends BaseCommand<typeof Ls> {
  static override aliases = ['list', 'topics', 'queues'];
  static override summary = 'List channels: topics, queues, streams';
  static override description =
    'Lists what is there, with what it holds. Nothing is read, joined or changed.';
  static override examples = [
    { description: 'Everything at the current context', command: '<%= config.bin %> ls' },
    { description: 'By name', command: '<%= config.bin %> ls --match "orders*"' },
    { description: 'For a script', command: '<%= config.bin %> ls -o json | jq ".channels[].channel"' },
  ];
  static override flags = {
    match: Flags.string({ summary: 'Only names that match', helpValue: 'GLOB' }),
    type: Flags.string({ summary: 'Only this type, as the TYPE column says it', helpValue: 'TYPE' }),
    internal: Flags.boolean({ summary: 'Also what the system keeps for itself' }),
    output: outputFlag(listingFormats),
  };

  async run(): Promise<void> {
    const { driver } = await this.connect({ verb: 'ls', needs: [], changes: false });
    const rows = await listChannels(
      driver,
      { match: this.flags.match ?? null, type: this.flags.type ?? null, internal: this.flags.internal },
      this.signal,
    );
    await printListing(this.output, this.flags.output ?? 'table', {
      columns,
      rows,
      record: (row) => ({ ...row }),
      document: (channels) => ({ channels }),
      empty: `no channel${this.flags.match === undefined ? '' : ` that matches "${this.flags.match}"`} at ${driver.target}`,
    });
  }
}

const columns: readonly Column<ChannelSummary>[] = [
  { header: 'CHANNEL', cell: ({ channel }) => channel },
  { header: 'TYPE', cell: ({ type }) => type },
  { header: 'PARTITIONS', align: 'right', cell: ({ partitions }) => partitions?.toString() ?? '-' },
  {
    header: 'MESSAGES',
    align: 'right',
    cell: ({ messages, approximate }) =>
      approximate && messages !== null ? `≤ ${countText(messages)}` : countText(messages),
  },
  { header: 'CONSUMERS', align: 'right', cell: ({ consumers }) => consumers?.toString() ?? '-' },
];
