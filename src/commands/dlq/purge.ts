import { Flags } from '@oclif/core';
import { BaseCommand } from '../../lib/base.ts';
import { changeFlags, channelArgument, outputFlag } from '../../lib/flags.ts';
import { redriveJobs } from '../../lib/dlq/jobs.ts';
import { acquireLease } from '../../lib/dlq/lease.ts';
import { purgeChannel, type PurgeRequest } from '../../lib/dlq/purge.ts';
import { archiveFor, checkPurged, purgeLines } from '../../lib/dlq/purge-report.ts';
import { unresolvedOf } from '../../lib/dlq/resolution.ts';
import type { DeadLetterSource } from '../../lib/dlq/source.ts';
import { UnsupportedError } from '../../lib/errors.ts';
import { Progress } from '../../lib/output/progress.ts';
import { countText } from '../../lib/output/time.ts';

/** What is there to be removed, and why not more. */
interface Standing {
  readonly what: PurgeRequest['what'];
  readonly removes: number | null;
  readonly sentence: string;
}

export default class DlqPurge extends BaseCommand<typeof DlqPurge> {
  static override summary = 'Empty a dead-letter channel, after archiving what was in it';
  static override description = `Archives first, into the state folder or --file: nothing is removed that is not on the disk by then, and what comes in between stays. dlq restore brings it back. With --no-archive there is no way back.

A Kafka topic cannot forget a single record, only what lies before one: there, what lies before the first unresolved dead letter goes, and what is unresolved stays. --unresolved archives that, too, records it as resolved, then cuts. Cutting needs "delete" in the topic's cleanup.policy.

One operator at a time: it is refused while someone redrives from the channel. The name has to be typed, or --yes given.`;
  static override examples = [
    { description: 'What would be removed?', command: '<%= config.bin %> dlq purge orders.dlq --dry-run' },
    { description: 'Remove, and keep a copy', command: '<%= config.bin %> dlq purge orders.dlq' },
    {
      description: 'On Kafka: also what nobody has resolved yet',
      command: '<%= config.bin %> dlq purge orders.dlq --unresolved --file orders.ndjson.zst',
    },
  ];
  static override args = { channel: channelArgument };
  static override flags = {
    unresolved: Flags.boolean({
      summary: 'Also what is unresolved, where that stays by itself (Kafka)',
    }),
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
      verb: 'dlq purge',
      needs: ['admin', 'look', 'claim', 'deadLetters'],
      changes: !flags['dry-run'],
      check: ({ system, facets: { admin } }) => {
        if (admin?.purge === false) throw new UnsupportedError(`${system} has not got "dlq purge"`);
      },
    });
    const source = { driver, declaration };
    const { channel } = args;
    const { what, removes, sentence } = await this.#standing(source, channel);
    output.note(
      `${flags['dry-run'] ? 'would remove' : 'removes'} ${countText(removes)} dead letters from "${channel}" at ${driver.target}${flags['no-archive'] ? ', and keep no copy' : ''}`,
    );
    if (sentence !== '') output.note(sentence);
    if (flags['dry-run'] || removes === 0) {
      if (flags.output === 'json') await output.printJson({ channel, removed: 0, wouldRemove: removes });
      return;
    }
    if (!(await this.confirmByName('removing them', channel, { yes: flags.yes }))) {
      output.note('not purged');
      return;
    }
    const { stateFolder } = await this.environment();
    const lease = await acquireLease(
      source,
      redriveJobs(stateFolder),
      channel,
      { takeOver: false },
      this.signal,
    );
    const progress = new Progress(output, 'dead letters', removes);
    try {
      const result = await purgeChannel(
        source,
        {
          channel,
          archive: flags['no-archive'] ? null : archiveFor(stateFolder, channel, flags.file),
          what,
          onProgress: (count) => progress.add(count),
        },
        AbortSignal.any([this.signal, lease.lost]),
      ).finally(() => progress.finish());
      if (flags.output === 'json') await output.printJson({ channel, ...result });
      else
        for (const line of purgeLines(channel, result, (file) =>
          this.nextCommand('dlq', 'restore', channel, '--file', file),
        ))
          output.note(line);
      this.signal.throwIfAborted();
      lease.lost.throwIfAborted();
      checkPurged(result);
    } finally {
      await lease.release();
    }
  }

  async #standing(source: DeadLetterSource, channel: string): Promise<Standing> {
    const { state } = await unresolvedOf(source, channel, this.signal);
    const { messages } = await source.driver.describe(channel, this.signal);
    if (state === null) return { what: 'everything', removes: messages, sentence: '' };
    const { unresolved } = state;
    if (this.flags.unresolved)
      return {
        what: 'unresolved',
        removes: messages,
        sentence: `of them ${countText(unresolved)} are unresolved: they are archived and recorded as resolved first`,
      };
    return {
      what: 'resolved',
      removes: state.doneCount,
      sentence:
        unresolved === 0
          ? ''
          : `${countText(unresolved)} are unresolved: they stay, and what lies behind the first of them; --unresolved archives and removes them, too`,
    };
  }
}
