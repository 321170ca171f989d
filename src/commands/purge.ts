import { BaseCommand, changeFlags, channelArgument, outputFlag } from '../lib/base.ts';
import { UnsupportedError } from '../lib/errors.ts';
import { countText } from '../lib/output/time.ts';

export default class Purge extends BaseCommand<typeof Purge> {
  static override summary = 'Remove the messages of a channel, and keep the channel';
  static override description =
    'Shows what would be lost first. There is no way back: the name has to be typed, or --yes given. Keep a copy with `mqctl consume CHANNEL -o ndjson > FILE`.';
  static override examples = [
    {
      description: 'After keeping a copy',
      command:
        '<%= config.bin %> consume orders.dlq -o ndjson > copy.ndjson && <%= config.bin %> purge orders.dlq',
    },
  ];
  static override args = { channel: channelArgument };
  static override flags = {
    yes: changeFlags.yes,
    'dry-run': changeFlags['dry-run'],
    output: outputFlag(['table', 'json']),
  };

  async run(): Promise<void> {
    const { flags, args } = this;
    const { driver } = await this.connect({
      verb: 'purge',
      needs: ['admin'],
      changes: !flags['dry-run'],
      check: ({ system, facets: { admin } }) => {
        if (admin?.purge === false) throw new UnsupportedError(`${system} has not got "purge"`);
      },
    });
    const { channel, type, messages } = await driver.describe(args.channel, this.signal);
    this.output.note(
      `${flags['dry-run'] ? 'would remove' : 'removes'} ${countText(messages)} messages from ${type} "${channel}" at ${driver.target}`,
    );
    if (flags['dry-run']) {
      if (flags.output === 'json')
        await this.output.printJson({ channel, removed: 0, wouldRemove: messages });
      return;
    }
    if (!(await this.confirmByName('removing them', channel, { yes: flags.yes }))) {
      this.output.note('not purged');
      return;
    }
    const removed = await driver.admin.purge(channel, this.signal);
    if (flags.output === 'json') await this.output.printJson({ channel, removed });
    else this.output.note(`removed ${countText(removed)} messages from "${channel}"`);
  }
}
