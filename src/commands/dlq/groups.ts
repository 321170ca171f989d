import { Flags } from '@oclif/core';
import { BaseCommand } from '../../lib/base.ts';
import {
  acceptCostFlag,
  channelArgument,
  chosenDeadLetterFlags,
  countFlag,
  outputFlag,
} from '../../lib/flags.ts';
import { agreeToLook } from '../../lib/dlq/agreed-look.ts';
import { Groups, groupings, type DeadLetterGroup, type Grouping } from '../../lib/dlq/grouping.ts';
import { inspectDeadLetters } from '../../lib/dlq/inspect.ts';
import { parseLookRange } from '../../lib/dlq/look-range.ts';
import { printFields, printHeading } from '../../lib/output/fields.ts';
import { listingFormats, printListing } from '../../lib/output/listing.ts';
import { lookCostText } from '../../lib/output/look-cost.ts';
import { Progress } from '../../lib/output/progress.ts';
import type { Column } from '../../lib/output/table.ts';
import { countOf, countText, rateText, shortDuration, timeText } from '../../lib/output/time.ts';

/** Columns of a terminal that all columns of the table fit in. */
const roomForAll = 160;

export default class DlqGroups extends BaseCommand<typeof DlqGroups> {
  static override summary = 'Of what did they die? Dead letters counted by their cause';
  static override description = `A cause is a fingerprint of what the failure says: the exception's class, its message with ids, numbers, times, hosts and quoted values masked, the first frame of the application, where it came from and who gave it up. The same failure a thousand times is one line. Where nobody noted what happened, it is what can be seen: tombstone, binary, broken JSON, schema, size, type, key.

dlq redrive, inspect and archive take a fingerprint, or its beginning, as --cause.

Nothing is taken. Where a look costs something (a RabbitMQ queue counts a delivery), it takes 10 unless --limit says more.`;
  static override examples = [
    { description: 'By cause', command: '<%= config.bin %> dlq groups orders.dlq' },
    {
      description: 'How the causes are told apart',
      command: '<%= config.bin %> dlq groups orders.dlq --explain',
    },
    { description: 'Who is hit', command: '<%= config.bin %> dlq groups orders.dlq --group-by consumer' },
    {
      description: 'For a script',
      command: `<%= config.bin %> dlq groups orders.dlq -o ndjson | jq -r 'select(.count > 100) | .cause'`,
    },
  ];
  static override args = { channel: channelArgument };
  static override flags = {
    'group-by': Flags.option({
      options: groupings,
      default: 'cause' as const,
      summary: 'What they have in common',
    })(),
    explain: Flags.boolean({ summary: 'What each fingerprint was made of' }),
    ...chosenDeadLetterFlags('FILTER'),
    limit: countFlag({ char: 'n', summary: 'Stop after N that match', helpGroup: 'FILTER' }),
    all: Flags.boolean({ summary: 'Also what was resolved', helpGroup: 'FILTER' }),
    yes: Flags.boolean({ char: 'y', summary: 'Agree to what a look costs', helpGroup: 'COST' }),
    'accept-cost': acceptCostFlag('COST'),
    output: outputFlag(listingFormats),
  };

  async run(): Promise<void> {
    const { flags, args, output } = this;
    const by = flags['group-by'];
    const { driver, declaration, context } = await this.connect({
      verb: 'dlq groups',
      needs: ['look', 'deadLetters'],
      changes: false,
    });
    const source = { driver, declaration };
    const { createExpressionFilter } = await import('../../lib/filter/filter.ts');
    const keep = await createExpressionFilter(flags.filter, (text) => output.warn(text));
    const { appraisal, takeAtMost } = await agreeToLook(
      source,
      args.channel,
      {
        wanted: flags.limit ?? null,
        context,
        acceptCost: flags['accept-cost'],
        agree: (question) => this.confirm(question, { yes: flags.yes }),
      },
      this.signal,
    );
    const groups = new Groups(by);
    const progress = new Progress(output, 'dead letters read', takeAtMost ?? appraisal.waiting);
    const result = await inspectDeadLetters(
      source,
      {
        channel: args.channel,
        keep,
        range: parseLookRange(flags.from, flags.until),
        causes: flags.cause ?? null,
        limit: flags.limit ?? null,
        takeAtMost,
        all: flags.all,
      },
      async (batch) => {
        for (const inspected of batch) groups.add(inspected);
        progress.add(batch.length);
      },
      this.signal,
    ).finally(() => progress.finish());
    const rows = groups.result();
    await printListing(output, flags.output ?? 'table', {
      columns: columnsBy(by, declaration.channelWord, this.#times(), this.#isNarrow),
      rows,
      record: (row) => recordOf(row, by, flags.explain),
      document: (records) => ({ channel: args.channel, looked: result.shown, groups: records }),
      empty: `no dead letter in "${args.channel}"`,
    });
    if (flags.explain && (flags.output ?? 'table') === 'table') await this.#explain(rows);
    await output.data.flush();
    if (groups.others > 0)
      output.warn(
        `${countOf(groups.others, 'more belongs', 'more belong')} to groups that were too many to keep`,
      );
    if (result.duplicatesUncertain)
      output.warn('there are so many different dead letters that some duplicates may not be counted');
    if (takeAtMost !== null) {
      const looked = lookCostText({ ...appraisal, ...result.report });
      const all = appraisal.waiting !== null && result.report.looked >= appraisal.waiting;
      output.note(flags.limit === undefined && !all ? `${looked}; --limit N looks at more` : looked);
    }
  }

  /** How a time is shown: how long ago for a person, else as it is. */
  #times(): (at: number | null) => string {
    const now = Date.now();
    if (!this.output.data.isTerminal) return (at) => (at === null ? 'unknown' : timeText(at));
    return (at) => (at === null ? 'unknown' : `${shortDuration(now - at)} ago`);
  }

  /** A terminal that has no room for everything: -o json and --explain tell the rest. */
  get #isNarrow(): boolean {
    return this.output.data.isTerminal && this.output.data.columns < roomForAll;
  }

  async #explain(rows: readonly DeadLetterGroup[]): Promise<void> {
    for (const { group, fingerprint, sample } of rows) {
      if (fingerprint === null) continue;
      const { parts } = fingerprint;
      await printHeading(this.output, `${group ?? ''}, such as ${sample}`);
      await printFields(this.output, [
        ['class', parts.class],
        ['message', parts.message],
        ['first frame', parts.frame],
        ['came from', parts.channel],
        ['given up by', parts.consumer],
        ['can be seen', parts.seen],
      ]);
    }
  }
}

function recordOf(row: DeadLetterGroup, by: Grouping, explain: boolean): Readonly<Record<string, unknown>> {
  return {
    [by]: row.group,
    count: row.count,
    first: row.firstAt === null ? null : timeText(row.firstAt),
    last: row.lastAt === null ? null : timeText(row.lastAt),
    ratePerMinute: row.ratePerMinute,
    duplicates: row.duplicates,
    duplicateShare: row.duplicates / row.count,
    class: row.class,
    message: row.message,
    channels: row.channels,
    consumers: row.consumers,
    sample: row.sample,
    ...(explain ? { parts: row.fingerprint?.parts ?? null } : {}),
  };
}

function columnsBy(
  by: Grouping,
  channelWord: string,
  time: (at: number | null) => string,
  narrow: boolean,
): readonly Column<DeadLetterGroup>[] {
  const columns: (Column<DeadLetterGroup> | null)[] = [
    { header: by.toUpperCase(), cell: ({ group }) => group ?? 'not said' },
    { header: 'COUNT', align: 'right', cell: ({ count }) => countText(count) },
    { header: 'TWICE', align: 'right', cell: shareText },
    { header: 'RATE', align: 'right', cell: (row) => rateText(row.ratePerMinute) },
    narrow ? null : { header: 'FIRST', cell: ({ firstAt }) => time(firstAt) },
    { header: 'LAST', cell: ({ lastAt }) => time(lastAt) },
    narrow || by === 'channel'
      ? null
      : { header: channelWord.toUpperCase(), cell: (row) => row.channels.join(', ') },
    narrow || by === 'consumer' ? null : { header: 'CONSUMER', cell: (row) => row.consumers.join(', ') },
    {
      header: 'CLASS',
      cell: (row) => (narrow ? withoutPackage(row.class ?? '') : (row.class ?? '')),
    },
    { header: 'MESSAGE', cell: ({ message }) => message ?? '' },
    narrow ? null : { header: 'SAMPLE', cell: ({ sample }) => sample },
  ];
  return columns.filter((column) => column !== null);
}

/** Which share has the same content as another one. */
function shareText({ duplicates, count }: DeadLetterGroup): string {
  return duplicates === 0 ? '' : `${Math.max(1, Math.round((duplicates / count) * 100)).toString()} %`;
}

function withoutPackage(name: string): string {
  return name.slice(name.lastIndexOf('.') + 1);
}
