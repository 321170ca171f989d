import { Args, Flags } from '@oclif/core';
import { BaseCommand } from '../../lib/base.ts';
import { changeFlags, outputFlag, paceFlags } from '../../lib/flags.ts';
import { redriveJobs } from '../../lib/dlq/jobs.ts';
import { refuseFinished } from '../../lib/dlq/reopen-redrive.ts';

export default class JobsResume extends BaseCommand<typeof JobsResume> {
  static override summary = 'Go on with a redrive that was interrupted or stopped';
  static override description =
    'The same as dlq redrive CHANNEL --resume ID, with the channel and the context of the job: what was confirmed is only settled, what was never sent is sent, what is in doubt is asked of the broker where it can answer, else sent again and named.';
  static override examples = [
    { description: 'The last one that is not finished', command: '<%= config.bin %> jobs resume last' },
    {
      description: 'Without asking, as fast as it goes',
      command: '<%= config.bin %> jobs resume 20261121T072043-3fa9c2 --rate max --yes',
    },
  ];
  static override args = {
    job: Args.string({
      required: true,
      ignoreStdin: true,
      description: 'its id, as jobs ls prints it, or last',
    }),
  };
  static override flags = {
    ...paceFlags,
    'take-over': Flags.boolean({
      summary: 'End the lease of whoever works on this channel',
      helpGroup: 'CHANGE',
    }),
    yes: changeFlags.yes,
    'dry-run': changeFlags['dry-run'],
    reason: changeFlags.reason,
    output: outputFlag(['table', 'json']),
  };

  async run(): Promise<void> {
    const { flags } = this;
    const job = await redriveJobs((await this.environment()).stateFolder).find(
      this.args.job,
      null,
      'redrive',
    );
    refuseFinished(job);
    const words = [
      job.channel,
      `--resume=${job.id}`,
      `--context=${flags.context ?? job.context}`,
      `--rate=${flags.rate}`,
      ...(flags['canary-wait'] === undefined ? [] : [`--canary-wait=${flags['canary-wait'].toString()}ms`]),
      ...(['no-canary', 'take-over', 'yes', 'dry-run', 'quiet', 'no-color', 'debug'] as const).flatMap(
        (name) => (flags[name] ? [`--${name}`] : []),
      ),
      ...(flags.reason === undefined ? [] : [`--reason=${flags.reason}`]),
      ...(flags.output === undefined ? [] : [`--output=${flags.output}`]),
      `--timeout=${(flags.timeout ?? 10_000).toString()}ms`,
    ];
    await this.config.runCommand('dlq:redrive', words);
  }
}
