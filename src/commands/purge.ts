import { Flags } from '@oclif/core';
import { BaseCommand } from '../lib/base.ts';
import { changeFlags, channelArgument, outputFlag } from '../lib/flags.ts';
import { purgeChannel } from '../lib/dlq/purge.ts';
import { archiveFor, checkPurged, purgeLines } from '../lib/dlq/purge-report.ts';
import { UnsupportedError } from '../lib/errors.ts';
import { Progress } from '../lib/output/progress.ts';
import { countText } from '../lib/output/time.ts';

export default class Purge extends BaseCommand<typeof Purge> {
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
  static override flags = {
    'no-archive': Flags.boolean({ summary: 'Keep no copy of what is removed' }),
    file: Flags.string({
      summary: 'Where the archive goes: a new file, compressed as its name ends (.zst, .gz)',
      exclusive: ['no-archive'],
      helpValue: 'F',
    }),
    yes: changeFlags.yes,
    'dry-run': changeFlags['dry-run'],
    output: outputFlag(['table', 'json']),
  };

  async run(): Promise<void> {
    const { flags, args, output } = this;
    const { driver, declaration } = await this.connect({
      verb: 'purge',
      needs: flags['no-archive'] ? ['admin'] : ['admin', 'look', 'claim'],
      changes: !flags['dry-run'],
      check: ({ system, facets: { admin } }) => {
        if (admin?.purge === false) throw new UnsupportedError(`${system} has not got "purge"`);
      },
    });
    const { channel, type, messages, passesOnTo } = await driver.describe(args.channel, this.signal);
    if (passesOnTo !== undefined)
      throw new UnsupportedError(
        `${type} "${channel}" keeps nothing that could be removed: it passes on what is sent to it`,
        {
          hint: `see where to: mqctl describe ${channel}`,
        },
      );
    output.note(
      `${flags['dry-run'] ? 'would remove' : 'removes'} ${countText(messages)} messages from ${type} "${channel}" at ${driver.target}${flags['no-archive'] ? ', and keep no copy' : ''}`,
    );
    if (flags['dry-run']) {
      if (flags.output === 'json') await output.printJson({ channel, removed: 0, wouldRemove: messages });
      return;
    }
    if (!(await this.confirmByName('removing them', channel, { yes: flags.yes }))) {
      output.note('not purged');
      return;
    }
    const { stateFolder } = await this.environment();
    const progress = new Progress(output, 'messages', messages);
    const result = await purgeChannel(
      { driver, declaration },
      {
        channel,
        archive: flags['no-archive'] ? null : archiveFor(stateFolder, channel, flags.file),
        what: 'everything',
        onProgress: (count) => progress.add(count),
      },
      this.signal,
    ).finally(() => progress.finish());
    if (flags.output === 'json') await output.printJson({ channel, ...result });
    else
      for (const line of purgeLines(channel, result, (file) =>
        this.nextCommand('dlq', 'restore', channel, '--file', file),
      ))
        output.note(line);
    this.signal.throwIfAborted();
    checkPurged(result);
  }
}
