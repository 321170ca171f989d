import { Flags } from '@oclif/core';
import { channelArgument } from '../../lib/flags.ts';
import { redriveJobs } from '../../lib/dlq/jobs.ts';
import { acquireLease } from '../../lib/dlq/lease.ts';
import type { PurgeRequest } from '../../lib/dlq/purge.ts';
import { unresolvedOf } from '../../lib/dlq/resolution.ts';
import type { DeadLetterSource } from '../../lib/dlq/source.ts';
import { countOf } from '../../lib/output/time.ts';
import { PurgeCommand, purgeFlags } from '../../lib/purge-command.ts';

/** What is there to be removed, and why not more. */
interface Standing {
  readonly what: PurgeRequest['what'];
  readonly removes: number | null;
  readonly sentence: string;
}

export default class DlqPurge extends PurgeCommand<typeof DlqPurge> {
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
    ...purgeFlags,
  };

  async run(): Promise<void> {
    const { flags, args, output } = this;
    const { driver, declaration } = await this.connect({
      verb: 'dlq purge',
      needs: ['admin', 'look', 'claim', 'deadLetters'],
      changes: !flags['dry-run'],
      check: (declared) => this.checkPurges('dlq purge', declared),
    });
    const source = { driver, declaration };
    const { channel } = args;
    const { what, removes, sentence } = await this.#standing(source, channel);
    const plan = { channel, what, noun: 'dead letter', removes };
    this.announce(plan, `"${channel}" at ${driver.target}`, flags);
    if (sentence !== '') output.note(sentence);
    if (flags['dry-run'] || removes === 0) return this.printUntouched(plan, flags);
    if (!(await this.agreeToPurge(plan, flags))) return;
    const jobs = redriveJobs((await this.environment()).stateFolder);
    const lease = await acquireLease(source, jobs, channel, { takeOver: false }, this.signal);
    try {
      await this.purge(source, plan, flags, lease.lost);
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
        sentence:
          unresolved === 0
            ? ''
            : `of them ${countOf(unresolved, 'is unresolved: it is', 'are unresolved: they are')} archived and recorded as resolved first`,
      };
    return {
      what: 'resolved',
      removes: state.doneCount,
      sentence:
        unresolved === 0
          ? ''
          : `${countOf(unresolved, 'is unresolved: it stays, and what lies behind it', 'are unresolved: they stay, and what lies behind the first of them')}; --unresolved archives and removes that, too`,
    };
  }
}
