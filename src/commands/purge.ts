import { channelArgument } from '../lib/flags.ts';
import { UnsupportedError } from '../lib/errors.ts';
import { PurgeCommand, purgeFlags, type PurgePlan } from '../lib/purge-command.ts';

export default class Purge extends PurgeCommand<typeof Purge> {
  static override summary =
    'Remove the messages of a channel, keep the channel, and an archive of what was in it';
  static override description = `Archives first, into the state folder or --file: nothing is removed that is not on the disk by then, and what comes in between stays. mqctl dlq restore CHANNEL --file F brings it back. With --no-archive there is no way back.

The name has to be typed, or --yes given. For dead letters there is dlq purge, which knows what is resolved.`;
  static override examples = [
    { description: 'What would be removed?', command: '<%= config.bin %> purge orders --dry-run' },
    { description: 'Remove, and keep a copy', command: '<%= config.bin %> purge orders' },
    {
      description: 'Without a copy, without asking',
      command: '<%= config.bin %> purge orders --no-archive --yes',
    },
  ];
  static override args = { channel: channelArgument };
  static override flags = purgeFlags;

  async run(): Promise<void> {
    const { flags, args } = this;
    const { driver, declaration } = await this.connect({
      verb: 'purge',
      needs: flags['no-archive'] ? ['admin'] : ['admin', 'look', 'claim'],
      changes: !flags['dry-run'],
      check: (declared) => this.checkPurges('purge', declared),
    });
    const { channel, type, messages, passesOnTo } = await driver.describe(args.channel, this.signal);
    if (passesOnTo !== undefined)
      throw new UnsupportedError(
        `${type} "${channel}" keeps nothing that could be removed: it passes on what is sent to it`,
        {
          hint: `see where to: mqctl describe ${channel}`,
        },
      );
    const plan: PurgePlan = { channel, what: 'everything', noun: 'message', removes: messages };
    this.announce(plan, `${type} "${channel}" at ${driver.target}`, flags);
    if (flags['dry-run']) return this.printUntouched(plan, flags);
    if (!(await this.agreeToPurge(plan, flags))) return;
    await this.purge({ driver, declaration }, plan, flags, null);
  }
}
