import { Flags } from '@oclif/core';
import { BaseCommand, channelArgument, countFlag, type Connected } from '../../lib/base.ts';
import { Groups, groupings, type DeadLetterGroup, type Grouping } from '../../lib/dlq/grouping.ts';
import { inspectDeadLetters, type Inspected, type InspectResult } from '../../lib/dlq/inspect.ts';
import { UsageError } from '../../lib/errors.ts';
import { priceOfLook } from '../../lib/operations/look-price.ts';
import { listingFormats, printListing } from '../../lib/output/listing.ts';
import { messageFormats, parseMessageFormat } from '../../lib/output/message-format.ts';
import { makeMessageWriter } from '../../lib/output/message-writer.ts';
import type { Column } from '../../lib/output/table.ts';
import { countText, timeText } from '../../lib/output/time.ts';

/** On a terminal a look stops here and says how to go on. */
const terminalLimit = 1_000;

export default class DlqInspect extends BaseCommand<typeof DlqInspect> {
  static override summary = 'Look at dead letters: why each one died, and where it came from';
  static override description = `Reads the failure from what the system says and from the headers of Kafka Connect, Spring, MassTransit, NServiceBus and others, into deadLetter: reason, class, message, attempts, origin, consumer, at. Only what is not resolved yet, unless --all.

Nothing is taken. Where a look costs something (a RabbitMQ queue counts a delivery), it takes 10 unless --limit says more.

--filter is CEL, as for consume; deadLetter holds the failure: 'deadLetter.class == "java.net.SocketTimeoutException"'. A cause is a fingerprint of class, masked message, first application frame, origin and consumer.`;
  static override examples = [
    {
      description: 'Of what did they die?',
      command: '<%= config.bin %> dlq inspect orders.dlq --group-by cause',
    },
    {
      description: 'How the causes are told apart',
      command: '<%= config.bin %> dlq inspect orders.dlq --group-by cause --explain',
    },
    { description: 'One cause', command: '<%= config.bin %> dlq inspect orders.dlq --cause 3f2a --limit 5' },
    {
      description: 'By what they say',
      command: `<%= config.bin %> dlq inspect orders.dlq --filter 'deadLetter.attempts > 3' -o ndjson`,
    },
  ];
  static override args = { channel: channelArgument };
  static override flags = {
    filter: Flags.string({
      summary: 'Only what this CEL expression keeps',
      helpValue: 'CEL',
      helpGroup: 'FILTER',
    }),
    cause: Flags.string({
      multiple: true,
      summary: 'Only this cause: its fingerprint or the beginning of it (repeatable)',
      helpValue: 'FINGERPRINT',
      helpGroup: 'FILTER',
    }),
    limit: countFlag({ char: 'n', summary: 'Stop after N that match', helpGroup: 'FILTER' }),
    all: Flags.boolean({ summary: 'Also what was resolved', helpGroup: 'FILTER' }),
    'group-by': Flags.option({
      options: groupings,
      summary: 'Count them by what they have in common',
      helpGroup: 'OUTPUT',
    })(),
    explain: Flags.boolean({
      summary: 'With --group-by cause: what each fingerprint was made of',
      dependsOn: ['group-by'],
      helpGroup: 'OUTPUT',
    }),
    yes: Flags.boolean({ char: 'y', summary: 'Agree to what a look costs' }),
    output: Flags.string({
      char: 'o',
      summary: `${messageFormats.join(', ')}, fmt='%t %p %o %k\\t%s\\n'; with --group-by ${listingFormats.join(', ')}`,
      helpValue: 'FORMAT',
      helpGroup: 'OUTPUT',
    }),
  };

  async run(): Promise<void> {
    const { flags } = this;
    const by = flags['group-by'];
    const listing = by === undefined ? null : listingFormat(flags.output);
    const connected = await this.connect({
      verb: 'dlq inspect',
      needs: ['look', 'deadLetters'],
      changes: false,
    });
    if (by !== undefined && listing !== null) await this.#group(connected, by, listing);
    else await this.#show(connected);
    await this.output.data.flush();
  }

  async #show(connected: Connected<'look' | 'deadLetters'>): Promise<void> {
    const { flags, output } = this;
    const format = parseMessageFormat(flags.output ?? (output.data.isTerminal ? 'pretty' : 'ndjson'));
    const write = makeMessageWriter(output, format);
    const stopsForPerson = output.data.isTerminal && flags.limit === undefined;
    const limit = stopsForPerson ? terminalLimit : (flags.limit ?? null);
    const result = await this.#inspect(connected, limit, (batch) =>
      write(batch.map(({ message }) => message)),
    );
    if (result.shown === 0) output.note(`no dead letter to show in "${this.args.channel}"`);
    if (stopsForPerson && !result.complete)
      output.note(`stopped after ${countText(terminalLimit)}: --limit N shows more, a pipe gets everything`);
  }

  async #group(
    connected: Connected<'look' | 'deadLetters'>,
    by: Grouping,
    format: (typeof listingFormats)[number],
  ): Promise<void> {
    const groups = new Groups(by);
    const result = await this.#inspect(connected, this.flags.limit ?? null, async (batch) => {
      for (const inspected of batch) groups.add(inspected);
    });
    await printListing(this.output, format, {
      columns: this.flags.explain ? [...columns(by), ...explaining] : columns(by),
      rows: groups.result(),
      record: (row) => ({
        [by]: row.group,
        count: row.count,
        first: row.firstAt === null ? null : timeText(row.firstAt),
        last: row.lastAt === null ? null : timeText(row.lastAt),
        class: row.class,
        message: row.message,
        ...(this.flags.explain ? { parts: row.fingerprint?.parts ?? null } : {}),
      }),
      document: (records) => ({ channel: this.args.channel, looked: result.shown, groups: records }),
      empty: `no dead letter in "${this.args.channel}"`,
    });
    if (groups.others > 0)
      this.output.warn(`${countText(groups.others)} more belong to groups that were too many to keep`);
  }

  async #inspect(
    { driver, declaration }: Connected<'look' | 'deadLetters'>,
    limit: number | null,
    deliver: (batch: readonly Inspected[]) => Promise<void>,
  ): Promise<InspectResult> {
    const { flags, args, output } = this;
    const { createFilter } = await import('../../lib/filter/filter.ts');
    const onMismatch = (reason: string): void =>
      output.warn(`the filter could not be applied to a message: ${reason}`);
    const keep = await createFilter({
      filter: flags.filter ?? null,
      grep: null,
      key: null,
      headers: [],
      onMismatch,
    });
    const appraisal = await driver.look.appraise(args.channel, this.signal);
    const price = priceOfLook(args.channel, appraisal, false, flags.limit ?? null);
    if (price.consent !== null && !(await this.confirm(price.consent, { yes: flags.yes })))
      throw new UsageError('not done');
    const result = await inspectDeadLetters(
      { driver, declaration },
      {
        channel: args.channel,
        keep,
        causes: flags.cause ?? null,
        limit,
        takeAtMost: price.limit,
        all: flags.all,
      },
      deliver,
      this.signal,
    );
    if (price.limit !== null) {
      const count = result.report.deliveryCount;
      const counted = count === null ? '' : `; delivery count now ${count.toString()}`;
      output.note(
        `looked at ${countText(result.report.looked)} of ${countText(appraisal.waiting)}${counted}${flags.limit === undefined ? '; --limit N looks at more' : ''}`,
      );
    }
    return result;
  }
}

function listingFormat(output: string | undefined): (typeof listingFormats)[number] {
  const format = listingFormats.find((known) => known === (output ?? 'table'));
  if (format === undefined)
    throw new UsageError(`with --group-by, -o is one of ${listingFormats.join(', ')}`);
  return format;
}

function columns(by: Grouping): readonly Column<DeadLetterGroup>[] {
  return [
    { header: by.toUpperCase(), cell: ({ group }) => group ?? 'not said' },
    { header: 'COUNT', align: 'right', cell: ({ count }) => countText(count) },
    { header: 'FIRST', cell: ({ firstAt }) => (firstAt === null ? 'unknown' : timeText(firstAt)) },
    { header: 'LAST', cell: ({ lastAt }) => (lastAt === null ? 'unknown' : timeText(lastAt)) },
    { header: 'CLASS', cell: (row) => row.class ?? '' },
    { header: 'MESSAGE', cell: ({ message }) => message ?? '' },
  ];
}

const explaining: readonly Column<DeadLetterGroup>[] = [
  { header: 'FRAME', cell: ({ fingerprint }) => fingerprint?.parts.frame ?? '' },
  { header: 'OF', cell: ({ fingerprint }) => fingerprint?.parts.channel ?? '' },
  { header: 'CONSUMER', cell: ({ fingerprint }) => fingerprint?.parts.consumer ?? '' },
];
