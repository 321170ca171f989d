import { Flags } from '@oclif/core';
import { BaseCommand, outputFlag } from '../../lib/base.ts';
import { redriveJobs } from '../../lib/dlq/jobs.ts';
import { listingFormats, printListing } from '../../lib/output/listing.ts';
import { countText, timeText } from '../../lib/output/time.ts';

export default class JobsLs extends BaseCommand<typeof JobsLs> {
  static override aliases = ['jobs:list'];
  static override summary = 'List what was run on this machine: redrives and how they ended';
  static override examples = [
    { description: 'All, the newest first', command: '<%= config.bin %> jobs ls' },
    {
      description: 'What was interrupted?',
      command: '<%= config.bin %> jobs ls --state interrupted --state stopped',
    },
  ];
  static override flags = {
    channel: Flags.string({ summary: 'Only of this channel', helpValue: 'CHANNEL' }),
    state: Flags.string({
      multiple: true,
      summary: 'Only in this state, as the STATE column says it (repeatable)',
      helpValue: 'STATE',
    }),
    output: outputFlag(listingFormats),
  };

  async run(): Promise<void> {
    const { channel, state } = this.flags;
    const jobs = await redriveJobs((await this.environment()).stateFolder).list();
    await printListing(this.output, this.flags.output ?? 'table', {
      columns: [
        { header: 'JOB', cell: ({ id }) => id },
        { header: 'STATE', cell: (job) => job.state },
        { header: 'CHANNEL', cell: (job) => job.channel },
        { header: 'CONTEXT', cell: ({ context }) => context },
        { header: 'MOVED', align: 'right', cell: ({ counts }) => countText(counts['moved'] ?? 0) },
        { header: 'OF', align: 'right', cell: ({ counts }) => countText(counts['selected'] ?? null) },
        { header: 'WHO', cell: ({ who, host }) => `${who} at ${host}` },
        { header: 'BEGAN', cell: ({ startedAt }) => timeText(startedAt) },
        { header: 'REASON', cell: ({ reason }) => reason ?? '' },
      ],
      rows: jobs.filter(
        (job) =>
          (channel === undefined || job.channel === channel) &&
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
