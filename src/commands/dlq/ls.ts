import { Flags } from '@oclif/core';
import { BaseCommand } from '../../lib/base.ts';
import { countFlag, durationFlag, outputFlag } from '../../lib/flags.ts';
import { causesTold, findDeadLetters, type DeadLetterChannel } from '../../lib/dlq/find.ts';
import { AnswerIsNoError, FailedError } from '../../lib/errors.ts';
import { listingFormats, printListing } from '../../lib/output/listing.ts';
import { atMostNote, lagText } from '../../lib/views/lag/words.ts';
import type { Column } from '../../lib/output/table.ts';
import { countText, rateText, shortDuration, timeText } from '../../lib/output/time.ts';

export default class DlqLs extends BaseCommand<typeof DlqLs> {
  static override aliases = ['dlq:list'];
  static override summary = 'Find dead-letter channels: how many wait, since when, of whom';
  static override description = `Finds them by what the broker declares, by name (….dlq, …-dlt, …_error and others), and by --match. Nothing is taken, and nothing is looked at where a look costs something: then causes are unknown here, and dlq groups looks at some.

DEPTH is what is unresolved, RATE what came in a minute, CAUSES of how many kinds the latest thousand are. Where resolved ones cannot be removed (Kafka), EXPIRES is when the broker may forget which they are.

A threshold that cannot be checked is no pass: exit 1, saying what is unknown.`;
  static override examples = [
    { description: 'All of them', command: '<%= config.bin %> dlq ls' },
    { description: 'Named in a way of your own', command: '<%= config.bin %> dlq ls --match "*-parked"' },
    {
      description: 'For cron: exit 3 when anything waits, or waits for more than an hour',
      command: '<%= config.bin %> dlq ls --max-depth 0 --max-age 1h --quiet',
    },
  ];
  static override flags = {
    match: Flags.string({ summary: 'Only names that match, whatever they are', helpValue: 'GLOB' }),
    'max-depth': countFlag({ summary: 'Exit 3 when more wait in one of them', helpGroup: 'THRESHOLD' }),
    'max-age': durationFlag({
      summary: 'Exit 3 when the oldest of one waits longer',
      helpGroup: 'THRESHOLD',
    }),
    output: outputFlag(listingFormats),
  };

  async run(): Promise<void> {
    const { driver, declaration } = await this.connect({
      verb: 'dlq ls',
      needs: ['deadLetters', 'look'],
      changes: false,
    });
    const match = this.flags.match ?? null;
    const { channels, problem } = await findDeadLetters({ driver, declaration }, { match }, this.signal);
    if (problem !== null) this.output.warn(problem);
    const now = Date.now();
    await printListing(this.output, this.flags.output ?? 'table', {
      columns: columnsAt(now, channels),
      rows: channels,
      record: (row) => ({
        channel: row.channel,
        depth: row.depth,
        atMost: row.atMost,
        oldest: row.oldestAt === null ? null : timeText(row.oldestAt),
        ageMs: row.oldestAt === null ? null : now - row.oldestAt,
        arrivalsPerMinute: row.arrivalsPerMinute,
        causes: row.causes,
        sources: row.sources,
        how: row.how,
        expires: row.expiresAt === null ? null : timeText(row.expiresAt),
        unknown: row.unknown,
      }),
      document: (records) => ({ channels: records }),
      empty: `no dead-letter channel at ${driver.target} by declaration or name: --match names others`,
    });
    for (const { channel, unknown } of channels)
      for (const text of unknown) this.output.note(`${channel}: ${text}`);
    if (channels.some(({ depth, atMost }) => atMost && depth !== null && depth > 0))
      this.output.note(atMostNote);
    this.#answer(channels, now);
  }

  #answer(channels: readonly DeadLetterChannel[], now: number): void {
    const { 'max-depth': depth, 'max-age': age } = this.flags;
    const breached: string[] = [];
    const unknown: string[] = [];
    for (const row of channels) {
      if (depth !== undefined && row.depth !== null && row.depth > depth)
        breached.push(
          `${row.channel}: ${depthText(row)} ${row.depth === 1 ? 'waits' : 'wait'}, and at most ${countText(depth)} may`,
        );
      else if (age !== undefined && row.oldestAt !== null && now - row.oldestAt > age)
        breached.push(
          `${row.channel}: the oldest waits for ${shortDuration(now - row.oldestAt)}, and at most ${shortDuration(age)} may be`,
        );
      else if (depth !== undefined && row.depth === null) unknown.push(`${row.channel}: how many wait`);
      else if (age !== undefined && row.oldestAt === null && row.depth !== 0)
        unknown.push(`${row.channel}: how long the oldest waits`);
    }
    if (breached.length > 0) throw new AnswerIsNoError(breached.join('; '));
    if (unknown.length > 0)
      throw new FailedError(`cannot be checked, since it is unknown: ${unknown.join('; ')}`, {
        code: 'UNKNOWN',
      });
  }
}

function columnsAt(now: number, rows: readonly DeadLetterChannel[]): readonly Column<DeadLetterChannel>[] {
  return [
    { header: 'CHANNEL', cell: ({ channel }) => channel },
    { header: 'DEPTH', align: 'right', cell: depthText },
    {
      header: 'RATE',
      align: 'right',
      cell: ({ arrivalsPerMinute }) =>
        arrivalsPerMinute === null ? 'unknown' : arrivalsPerMinute === 0 ? '' : rateText(arrivalsPerMinute),
    },
    {
      header: 'OLDEST',
      align: 'right',
      cell: ({ depth, oldestAt }) =>
        oldestAt === null ? (depth === 0 ? '' : 'unknown') : shortDuration(now - oldestAt),
    },
    { header: 'CAUSES', align: 'right', cell: causesText },
    { header: 'OF', cell: ({ sources }) => sources.join(', ') },
    { header: 'FOUND BY', cell: ({ how }) => how },
    ...(rows.some(({ expiresAt }) => expiresAt !== null)
      ? [
          {
            header: 'EXPIRES',
            cell: ({ expiresAt }: DeadLetterChannel) =>
              expiresAt === null ? '' : `in ${shortDuration(expiresAt - now)}`,
          },
        ]
      : []),
  ];
}

function depthText({ depth, atMost }: DeadLetterChannel): string {
  return lagText({ lag: depth, atMost });
}

function causesText({ causes, depth }: DeadLetterChannel): string {
  if (causes === null) return depth === 0 ? '' : 'unknown';
  if (causes.length === 0) return '';
  return causes.length < causesTold ? causes.length.toString() : `${causesTold.toString()} or more`;
}
