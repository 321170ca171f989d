import { Flags } from '@oclif/core';
import { BaseCommand } from '../lib/base.ts';
import { changeFlags, channelArgument, outputFlag } from '../lib/flags.ts';
import type { Declaration } from '../lib/drivers/driver.ts';
import { UnsupportedError, UsageError } from '../lib/errors.ts';
import { parseAssignments } from '../lib/input/assignment.ts';
import { applySettings, changed, planSettings, planSettingsUndo } from '../lib/operations/change-settings.ts';
import type { PreparedSettings, SettingMove } from '../lib/operations/change-settings.ts';
import { printTable } from '../lib/output/table.ts';

export default class SetSettings extends BaseCommand<typeof SetSettings> {
  static override summary = 'Change a setting of a channel, or take the change back';
  static override description = `Shows what is set now and what would be, asks whether the system would take it, and does it when the question is answered or --yes said. What was there is kept first: --undo puts it back, "was not set" too.

On Kafka it is the topic's configuration. A queue of RabbitMQ gets a policy of its own, mqctl-QUEUE, which says what the policy below it says, and the change. What cannot be changed later (partitions, what a queue was declared with) is refused with exit 5.`;
  static override examples = [
    {
      description: 'Retention before it eats the backlog',
      command: '<%= config.bin %> set orders --setting retention.ms=604800000',
    },
    { description: 'As it was before', command: '<%= config.bin %> set orders --undo' },
  ];
  static override args = { channel: channelArgument };
  static override flags = {
    setting: Flags.string({
      char: 's',
      multiple: true,
      summary: 'What to set (repeatable)',
      helpValue: 'NAME=VALUE',
      exclusive: ['undo'],
    }),
    undo: Flags.boolean({ summary: 'Put back what was there before the last change' }),
    ...changeFlags,
    output: outputFlag(['table', 'json']),
  };

  async run(): Promise<void> {
    const { flags, args, output } = this;
    const wanted = parseAssignments(flags.setting ?? [], '--setting');
    if (!flags.undo && Object.keys(wanted).length === 0)
      throw new UsageError('what should be set?', { hint: 'say --setting NAME=VALUE, or --undo' });
    const dryRun = flags['dry-run'] || (!flags.yes && !this.canAsk);
    const { driver, context } = await this.connect({
      verb: 'set',
      needs: ['admin'],
      changes: !dryRun,
      check: refuseUnalterable,
    });
    const { stateFolder } = await this.environment();
    const prepared = flags.undo
      ? await planSettingsUndo(driver, args.channel, stateFolder, this.signal)
      : await planSettings(driver, args.channel, wanted, this.signal);
    const json = flags.output === 'json';
    if (!json) await this.#showPlan(prepared);
    const moves = changed(prepared.moves);
    if (moves.length === 0 || dryRun) {
      if (json) await output.printJson(documentOf(prepared, null));
      output.note(moves.length === 0 ? 'it is so already' : 'nothing was changed: say --yes to do it');
      return;
    }
    if (!(await this.confirm(`change "${args.channel}" at ${driver.target}?`, { yes: flags.yes }))) {
      output.note('nothing was changed');
      return;
    }
    const record = { stateFolder, context: context.name, reason: flags.reason ?? null };
    const job = await applySettings(driver, prepared, record, this.signal);
    if (json) await output.printJson(documentOf(prepared, job.id));
    output.note(
      prepared.undoes === null
        ? `changed, kept as job ${job.id}; to put back what was there: ${this.nextCommand('set', args.channel, '--undo')}`
        : `put back as before job ${prepared.undoes.id}`,
    );
  }

  async #showPlan({ moves }: PreparedSettings): Promise<void> {
    await printTable(
      this.output,
      [
        { header: 'SETTING', cell: ({ name }) => name },
        { header: 'NOW', cell: nowText },
        { header: 'THEN', cell: ({ after }) => after ?? 'not set' },
      ],
      moves,
    );
  }
}

function nowText({ before, effective }: SettingMove): string {
  if (before !== null) return before;
  return effective === null ? 'not set' : `not set (${effective} applies)`;
}

function refuseUnalterable({ system, facets }: Declaration): void {
  const hint = facets.admin?.unalterable ?? null;
  if (hint !== null) throw new UnsupportedError(`${system} has not got "set"`, { hint });
}

function documentOf({ channel, moves, undoes }: PreparedSettings, job: string | null): unknown {
  return { channel, applied: job !== null, job, undoes: undoes?.id ?? null, settings: moves };
}
