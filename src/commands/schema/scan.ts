import { Flags } from '@oclif/core';
import { BaseCommand } from '../../lib/base.ts';
import { acceptCostFlag, channelArgument, countFlag } from '../../lib/flags.ts';
import { AnswerIsNoError } from '../../lib/errors.ts';
import { parsePositions } from '../../lib/message/position-grammar.ts';
import { lookAt } from '../../lib/operations/consume.ts';
import { agreeToPrice } from '../../lib/operations/look-price.ts';
import { ChannelScan, type ScanGroup } from '../../lib/operations/scan-channel.ts';
import { listingFormats, printListing } from '../../lib/output/listing.ts';
import { Progress } from '../../lib/output/progress.ts';
import type { Column } from '../../lib/output/table.ts';
import { countText } from '../../lib/output/time.ts';
import { PayloadDecoder } from '../../lib/schema/decoder.ts';
import { openRegistry } from '../../lib/schema/registry/open-registry.ts';
import { printScan } from '../../lib/views/schema/print-scan.ts';

const payloadParts = ['value', 'key'] as const;

export default class SchemaScan extends BaseCommand<typeof SchemaScan> {
  static override summary =
    'What is poisoning this channel? Its messages, grouped by whether and why they cannot be decoded';
  static override description = `Reads the channel without taking anything, decodes each message by the registry, and counts: unknown ids, truncated and trailing bytes, indexes out of range, absurd counts, messages without a frame.

The range of each group is written as consume, replay and dlq take it: --from RANGE --until RANGE.`;
  static override examples = [
    { description: 'The whole topic', command: '<%= config.bin %> schema scan orders' },
    {
      description: 'The last hour, by another registry, for a pipeline',
      command:
        '<%= config.bin %> schema scan orders --from @-1h --registry http://localhost:8081 --fail-on-invalid',
    },
    {
      description: 'The ranges, to read what is broken',
      command: `<%= config.bin %> schema scan orders -o json | jq -c '.groups[0].range'`,
    },
  ];
  static override args = { channel: channelArgument };
  static override flags = {
    from: Flags.string({
      summary: 'Where to begin, as in consume',
      helpValue: 'POSITION',
      helpGroup: 'RANGE',
    }),
    until: Flags.string({ summary: 'Where to end, exclusive', helpValue: 'POSITION', helpGroup: 'RANGE' }),
    limit: countFlag({ char: 'n', summary: 'Stop after N', helpGroup: 'RANGE' }),
    partition: Flags.string({
      char: 'p',
      multiple: true,
      summary: 'Only this partition (repeatable)',
      helpValue: 'P',
      helpGroup: 'RANGE',
    }),
    part: Flags.option({
      options: payloadParts,
      multiple: true,
      delimiter: ',',
      summary: 'What of each message: value, key (value)',
    })(),
    registry: Flags.string({
      summary: 'The registry, in the place of the one that the context names',
      helpValue: 'URL',
    }),
    'fail-on-invalid': Flags.boolean({ summary: 'Exit 3 when anything cannot be decoded' }),
    yes: Flags.boolean({ char: 'y', summary: 'Agree to what a look costs', helpGroup: 'COST' }),
    'accept-cost': acceptCostFlag('COST'),
    output: Flags.option({
      char: 'o',
      options: listingFormats,
      default: 'table',
      summary: `Output format (${listingFormats.join(', ')})`,
      helpValue: 'FORMAT',
      helpGroup: 'OUTPUT',
    })(),
  };

  async run(): Promise<void> {
    const { flags, args, output } = this;
    const place = await this.requiredRegistry(flags.registry);
    const scan = new ChannelScan(
      new PayloadDecoder(openRegistry(place.settings, place.options)),
      flags.part ?? ['value'],
    );
    const { driver, context } = await this.connect({ verb: 'schema scan', needs: ['look'], changes: false });
    const appraisal = await driver.look.appraise(args.channel, this.signal);
    const price = await agreeToPrice(args.channel, appraisal, {
      follow: false,
      wanted: flags.limit ?? null,
      context,
      acceptCost: flags['accept-cost'],
      agree: (question) => this.confirm(question, { yes: flags.yes }),
    });
    const progress = new Progress(output, 'scanned', null);
    try {
      await lookAt(
        driver.look,
        {
          channels: [args.channel],
          partitions: flags.partition ?? null,
          follow: false,
          limit: flags.limit ?? null,
          decode: null,
          keep: () => true,
          deliver: async (messages) => {
            await scan.add(messages, this.signal);
            progress.add(messages.length);
          },
          forMs: null,
          idleMs: null,
          from:
            flags.from === undefined ? { every: { kind: 'start', shift: 0n } } : parsePositions(flags.from),
          until: flags.until === undefined ? null : parsePositions(flags.until),
          uncommitted: false,
          takeAtMost: price.limit,
          onReport: () => undefined,
        },
        this.signal,
      );
    } finally {
      progress.finish();
    }
    this.signal.throwIfAborted();
    const groups = scan.result();
    if (flags.output === 'table' && output.data.isTerminal && groups.length > 0)
      await printScan(output, groups);
    else await this.#list(scan, groups);
    const broken = groups.filter(({ healthy }) => !healthy).reduce((sum, { count }) => sum + count, 0);
    output.note(`looked at ${countText(scan.looked)}; ${countText(broken)} cannot be decoded`);
    if (broken > 0 && flags['fail-on-invalid'])
      throw new AnswerIsNoError(`${countText(broken)} messages of "${args.channel}" cannot be decoded`);
  }

  #list(scan: ChannelScan, groups: readonly ScanGroup[]): Promise<void> {
    const { flags, args, output } = this;
    return printListing(output, flags.output, {
      columns,
      rows: groups,
      record: (group) => ({ ...group }),
      document: (records) => ({
        channel: args.channel,
        looked: scan.looked,
        empty: scan.empty,
        groups: records,
      }),
      empty: `nothing in "${args.channel}" has a ${(flags.part ?? ['value']).join(' or ')} to decode`,
    });
  }
}

const columns: readonly Column<ScanGroup>[] = [
  { header: 'WHY', cell: ({ reason }) => reason },
  { header: 'COUNT', align: 'right', cell: ({ count }) => countText(count) },
  { header: 'FRAMING', cell: ({ framing }) => framing ?? 'none' },
  { header: 'ID', cell: ({ key }) => key ?? '' },
  { header: 'SCHEMA', cell: ({ schema }) => schema ?? '' },
  { header: 'FROM', cell: ({ range }) => range?.from ?? '' },
  { header: 'UNTIL', cell: ({ range }) => range?.until ?? '' },
  { header: 'THE FIRST ONE', cell: ({ message }) => message },
];
