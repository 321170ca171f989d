import { Flags } from '@oclif/core';
import { BaseCommand } from '../../lib/base.ts';
import { outputFlag } from '../../lib/flags.ts';
import { globMatches } from '../../lib/message/glob.ts';
import { printListing } from '../../lib/output/listing.ts';
import { openRegistry } from '../../lib/schema/registry/open-registry.ts';

interface Row {
  readonly subject: string;
  readonly versions: readonly string[];
}

export default class SchemaLs extends BaseCommand<typeof SchemaLs> {
  static override summary = 'Subjects of the schema registry, with their versions';
  static override examples = [
    { description: 'All', command: '<%= config.bin %> schema ls' },
    {
      description: 'Those of orders, at a registry without a context',
      command: `<%= config.bin %> schema ls --match 'orders*' --registry http://localhost:8081`,
    },
  ];
  static override flags = {
    match: Flags.string({ summary: 'Only names that match', helpValue: 'GLOB' }),
    registry: Flags.string({
      summary: 'The registry, in the place of the one that the context names',
      helpValue: 'URL',
    }),
    output: outputFlag(['table', 'json', 'ndjson', 'csv']),
  };

  async run(): Promise<void> {
    const { flags } = this;
    const place = await this.requiredRegistry(flags.registry);
    const registry = openRegistry(place.settings, place.options);
    const rows: Row[] = [];
    for (const subject of await registry.subjects(this.signal))
      if (globMatches(flags.match ?? null, subject))
        rows.push({ subject, versions: (await registry.versions(subject, this.signal)) ?? [] });
    await printListing(this.output, flags.output ?? 'table', {
      columns: [
        { header: 'SUBJECT', cell: ({ subject }) => subject },
        { header: 'VERSIONS', cell: ({ versions }) => versions.join(', ') },
      ],
      rows,
      record: (row) => ({ ...row }),
      document: (subjects) => ({ registry: registry.address, subjects }),
      empty: `no subject at ${registry.address}`,
    });
  }
}
