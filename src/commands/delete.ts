import { BaseCommand } from '../lib/base.ts';
import { changeFlags, channelArgument, outputFlag, toldReasonFlag } from '../lib/flags.ts';
import { countOf } from '../lib/output/time.ts';

export default class Delete extends BaseCommand<typeof Delete> {
  static override summary = 'Delete a channel and everything in it';
  static override description =
    'Shows what would be lost first. There is no way back: the name has to be typed, or --yes given.';
  static override examples = [
    { description: 'Ask, showing what would be lost', command: '<%= config.bin %> delete orders.old' },
    { description: 'In a script', command: '<%= config.bin %> delete orders.old --yes' },
  ];
  static override args = { channel: channelArgument };
  static override flags = {
    yes: changeFlags.yes,
    'dry-run': changeFlags['dry-run'],
    reason: toldReasonFlag,
    output: outputFlag(['table', 'json']),
  };

  async run(): Promise<void> {
    const { flags, args } = this;
    const { driver } = await this.connect({ verb: 'delete', needs: ['admin'], changes: !flags['dry-run'] });
    const { channel, type, messages, groups, deadLetterOf } = await driver.describe(
      args.channel,
      this.signal,
    );
    const readers = groups === null || groups.length === 0 ? '' : `, read by ${groups.join(', ')}`;
    const target = deadLetterOf.length === 0 ? '' : `, dead letters of ${deadLetterOf.join(', ')} come here`;
    this.output.note(
      `${flags['dry-run'] ? 'would delete' : 'deletes'} ${type} "${channel}" at ${driver.target} with ${countOf(messages, 'message')}${readers}${target}`,
    );
    this.tellReason(flags.reason);
    if (flags['dry-run']) return this.#say(channel, false);
    if (!(await this.confirmByName('deleting it', channel, { yes: flags.yes }))) {
      this.output.note('not deleted');
      return;
    }
    await driver.admin.delete(channel, this.signal);
    await this.#say(channel, true);
  }

  async #say(channel: string, deleted: boolean): Promise<void> {
    const reason = this.flags.reason ?? null;
    if (this.flags.output === 'json') await this.output.printJson({ channel, deleted, reason });
    else if (deleted) this.output.note(`deleted "${channel}"`);
  }
}
