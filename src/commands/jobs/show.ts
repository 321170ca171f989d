import { Args } from '@oclif/core';
import { BaseCommand } from '../../lib/base.ts';
import { outputFlag } from '../../lib/flags.ts';
import { redriveJobs } from '../../lib/dlq/jobs.ts';
import { printFields } from '../../lib/output/fields.ts';
import { countText, timeText } from '../../lib/output/time.ts';

export default class JobsShow extends BaseCommand<typeof JobsShow> {
  static override summary = 'Show one job: who ran it, what became of each part, where its journal is';
  static override examples = [{ description: 'The last one', command: '<%= config.bin %> jobs show last' }];
  static override args = {
    job: Args.string({
      required: true,
      ignoreStdin: true,
      description: 'its id, as jobs ls prints it, or last',
    }),
  };
  static override flags = { output: outputFlag(['table', 'json']) };

  async run(): Promise<void> {
    const jobs = redriveJobs((await this.environment()).stateFolder);
    const job = await jobs.find(this.args.job, null);
    const folder = jobs.folderOf(job.id);
    const startedAt = timeText(job.startedAt);
    const endedAt = job.endedAt === null ? null : timeText(job.endedAt);
    if (this.flags.output === 'json') {
      await this.output.printJson({ ...job, startedAt, endedAt, folder });
      return;
    }
    await printFields(this.output, [
      ['job', job.id],
      ['kind', job.kind],
      ['state', job.state],
      ['stopped by', job.stoppedBy],
      [job.kind === 'reset' ? 'group' : 'channel', job.channel],
      ['at', job.target],
      ['context', job.context],
      ['who', `${job.who} at ${job.host}`],
      ['reason', job.reason],
      ['began', startedAt],
      ['ended', endedAt],
      ...Object.entries(job.counts).map(([name, count]): [string, string] => [
        wordsOf(name),
        countText(count),
      ]),
      ['folder', folder],
    ]);
  }
}

/** `possibleDuplicates` is `possible duplicates`. */
function wordsOf(name: string): string {
  return name.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);
}
