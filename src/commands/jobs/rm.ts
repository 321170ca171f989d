import { Args } from '@oclif/core';
import { BaseCommand } from '../../lib/base.ts';
import { changeFlags, toldReasonFlag } from '../../lib/flags.ts';
import { redriveJobs } from '../../lib/dlq/jobs.ts';
import { undoOfJob } from '../../lib/operations/undo-of-job.ts';

export default class JobsRm extends BaseCommand<typeof JobsRm> {
  static override summary = 'Forget a job: its plan, its journal and its report';
  static override description =
    'What is in doubt can no longer be resumed then, and of a reset or a setting, what was there before can no longer be put back. Messages are not touched. Where dead letters stay in their channel (Kafka), the journal also tells whether what was resolved has been forgotten.';
  static override examples = [
    { description: 'Without asking', command: '<%= config.bin %> jobs rm 20261121T072043-3fa9c2 --yes' },
  ];
  static override args = {
    job: Args.string({ required: true, ignoreStdin: true, description: 'its id, as jobs ls prints it' }),
  };
  static override flags = {
    yes: changeFlags.yes,
    'dry-run': changeFlags['dry-run'],
    reason: toldReasonFlag,
  };

  async run(): Promise<void> {
    const jobs = redriveJobs((await this.environment()).stateFolder);
    const { damaged } = await jobs.survey();
    const broken = damaged.find(({ id }) => id === this.args.job);
    const { id } = broken ?? (await this.#describe(jobs));
    if (broken !== undefined) this.output.warn(`${broken.problem}: ${jobs.folderOf(id)}`);
    this.tellReason(this.flags.reason);
    if (this.flags['dry-run']) return;
    if (!(await this.confirm(`Forget job ${id}?`, { yes: this.flags.yes }))) {
      this.output.note('nothing was removed');
      return;
    }
    await jobs.removeIdle(id);
    this.output.note(`job ${id} is forgotten`);
  }

  async #describe(jobs: ReturnType<typeof redriveJobs>): Promise<{ readonly id: string }> {
    const job = await jobs.find(this.args.job, null);
    const folder = jobs.folderOf(job.id);
    this.output.note(`${job.id}: ${job.kind}, ${job.state}, "${job.channel}" at ${job.target}, ${folder}`);
    const undo = await undoOfJob(job, folder);
    if (undo !== null)
      this.output.warn(
        `what was there before is kept in this job alone: once it is forgotten, "${undo}" cannot put it back`,
      );
    return job;
  }
}
