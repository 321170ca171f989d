import { Flags } from '@oclif/core';
import { BaseCommand } from '../../lib/base.ts';
import { outputFlag } from '../../lib/flags.ts';
import { jobKinds, redriveJobs } from '../../lib/dlq/jobs.ts';
import { listingFormats, printListing } from '../../lib/output/listing.ts';
import { countText, timeText } from '../../lib/output/time.ts';

export default class JobsLs extends BaseCommand<typeof JobsLs> {
  static override aliases = ['jobs:list'];
  static override summary =
    'List what was run on this machine: redrives, replays, resets and settings, and how they ended';
  static override examples = [
    { description: 'All, the newest first', command: '<%= config.bin %> jobs ls' },
    {
      description: 'What was interrupted?',
      command: '<%= config.bin %> jobs ls --state interrupted --state stopped',
    },
  ];
  static override flags = {
    channel: Flags.string({
      summary: 'Only of this channel; of resets: of this group',
      helpValue: 'CHANNEL',
    }),
    kind: Flags.option({
      options: jobKinds,
      multiple: true,
      summary: 'Only of this kind (repeatable)',
    })(),
    state: Flags.string({
      multiple: true,
      summary: 'Only in this state, as the STATE column says it (repeatable)',
      helpValue: 'STATE',
    }),
    output: outputFlag(listingFormats),
  };

  async run(): Promise<void> {
    const { channel, kind, state } = this.flags;
    const store = redriveJobs((await this.environment()).stateFolder);
    const { jobs, damaged } = await store.survey();
    for (const { id, problem } of damaged)
      this.output.warn(`${problem}: its plan and journal are in ${store.folderOf(id)}`);
    await printListing(this.output, this.flags.output ?? 'table', {
      columns: [
        { header: 'JOB', cell: ({ id }) => id },
        { header: 'KIND', cell: ({ kind }) => kind },
        { header: 'STATE', cell: (job) => job.state },
        {
          header: 'CHANNEL',
          cell: (job) => (job.kind === 'reset' ? `group:${job.channel}` : job.channel),
        },
        { header: 'CONTEXT', cell: ({ context }) => context },
        { header: 'DONE', align: 'right', cell: ({ counts }) => countText(doneOf(counts)) },
        { header: 'OF', align: 'right', cell: ({ counts }) => countText(counts['selected'] ?? null) },
        { header: 'WHO', cell: ({ who, host }) => `${who} at ${host}` },
        { header: 'BEGAN', cell: ({ startedAt }) => timeText(startedAt) },
        { header: 'REASON', cell: ({ reason }) => reason ?? '' },
      ],
      rows: jobs.filter(
        (job) =>
          (channel === undefined || job.channel === channel) &&
          (kind === undefined || kind.includes(job.kind)) &&
          (state === undefined || state.includes(job.state)),
      ),
      record: ({ startedAt, endedAt, ...job }) => ({
        ...job,
        startedAt: timeText(startedAt),
        endedAt: endedAt === null ? null : timeText(endedAt),
      }),
      document: (records) => ({ jobs: records }),
      empty: 'nothing was run yet on this machine',
    });
  }
}

/** Each kind counts what it does in its own word. */
function doneOf(counts: Readonly<Record<string, number>>): number {
  const { moved, putAside = 0, published, set } = counts;
  return moved === undefined ? (published ?? set ?? 0) : moved + putAside;
}
