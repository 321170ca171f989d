import { Flags } from '@oclif/core';
import { BaseCommand } from '../../lib/base.ts';
import { acceptCostFlag, channelArgument, pickedDeadLetterFlags, outputFlag } from '../../lib/flags.ts';
import { agreeToLook } from '../../lib/dlq/agreed-look.ts';
import { archiveDeadLetters } from '../../lib/dlq/archive.ts';
import { parseLookRange } from '../../lib/dlq/look-range.ts';
import { archiveCompressions, compressionOf } from '../../lib/message/archive-line.ts';
import { parseRedactedPath } from '../../lib/dlq/redact.ts';
import { sizeText } from '../../lib/output/size.ts';
import { lookCostText } from '../../lib/output/look-cost.ts';
import { Progress } from '../../lib/output/progress.ts';
import { countOf } from '../../lib/output/time.ts';

export default class DlqArchive extends BaseCommand<typeof DlqArchive> {
  static override summary = 'Copy dead letters into a file, byte for byte, to be restored or read anywhere';
  static override description = `One line of JSON for each message, then one that says how many there are; every line has a checksum. dlq restore publishes exactly what is in it, jq and mqctl produce --format ndjson read it, too. A file of the name you gave is a whole one: until it is, it has another name.

Only looks: nothing is taken or changed. What is unresolved is copied, unless --resolved. Where a look costs something (a RabbitMQ queue counts a delivery of each message), that is said, and more than a thousand need --yes; to archive and remove in one step: dlq purge.

--redact takes parts out before the file is given to someone: it is marked, and can no longer be restored. A value that is not JSON is taken out as a whole.`;
  static override examples = [
    {
      description: 'All of them, compressed as the name says',
      command: '<%= config.bin %> dlq archive orders.dlq --file orders.ndjson.zst',
    },
    {
      description: 'One cause, for a colleague',
      command:
        '<%= config.bin %> dlq archive orders.dlq --cause 3f2a --file sample.ndjson --redact value.customer.email --redact headers.authorization',
    },
    {
      description: 'And back',
      command: '<%= config.bin %> dlq restore orders.dlq --file orders.ndjson.zst',
    },
  ];
  static override args = { channel: channelArgument };
  static override flags = {
    file: Flags.string({ required: true, summary: 'The file to write: a new one', helpValue: 'F' }),
    compress: Flags.option({
      options: archiveCompressions,
      summary: 'How; else as the name ends: .zst, .gz, or not at all',
    })(),
    redact: Flags.string({
      multiple: true,
      summary:
        'Take this out of each: value.card, /value/items/*/card, headers.authorization, key (repeatable)',
      helpValue: 'PATH',
    }),
    ...pickedDeadLetterFlags,
    all: Flags.boolean({ summary: 'All of them, which is what is done without it', helpGroup: 'SELECTION' }),
    resolved: Flags.boolean({ summary: 'Also what was resolved', helpGroup: 'SELECTION' }),
    yes: Flags.boolean({ char: 'y', summary: 'Agree to what a look costs', helpGroup: 'COST' }),
    'accept-cost': acceptCostFlag('COST'),
    output: outputFlag(['table', 'json']),
  };

  async run(): Promise<void> {
    const { flags, args, output } = this;
    const redacted = (flags.redact ?? []).map((text) => ({ text, path: parseRedactedPath(text) }));
    const { driver, declaration, context } = await this.connect({
      verb: 'dlq archive',
      needs: ['look', 'deadLetters'],
      changes: false,
    });
    const source = { driver, declaration };
    const { createExpressionFilter } = await import('../../lib/filter/filter.ts');
    const keep = await createExpressionFilter(flags.filter, (text) => output.warn(text));
    const selects = [flags.filter, flags.cause, flags.id].some((flag) => flag !== undefined);
    const { appraisal, takeAtMost, cost } = await agreeToLook(
      source,
      args.channel,
      {
        wanted: selects ? 'all' : (flags.limit ?? 'all'),
        context,
        acceptCost: flags['accept-cost'],
        agree: (question) => this.confirm(question, { yes: flags.yes }),
      },
      this.signal,
    );
    if (cost !== '') output.note(cost);
    const progress = new Progress(output, 'dead letters copied', takeAtMost ?? appraisal.waiting);
    const { manifest, complete, report } = await archiveDeadLetters(
      source,
      {
        channel: args.channel,
        keep,
        range: parseLookRange(flags.from, flags.until),
        causes: flags.cause ?? null,
        ids: flags.id === undefined ? null : new Set(flags.id),
        limit: flags.limit ?? null,
        takeAtMost,
        all: flags.resolved,
        redacted,
        path: flags.file,
        compression: flags.compress ?? compressionOf(flags.file),
      },
      (count) => progress.add(count),
      this.signal,
    ).finally(() => progress.finish());
    if (takeAtMost !== null) output.note(lookCostText({ ...appraisal, ...report }));
    const { messages, bytes, sha256 } = manifest;
    if (flags.output === 'json')
      await output.printJson({ channel: args.channel, file: flags.file, messages, bytes, sha256, complete });
    else
      output.note(
        `${countOf(messages, 'dead letter')} (${sizeText(bytes)}) of "${args.channel}" ${messages === 1 ? 'is' : 'are'} in ${flags.file}${complete ? '' : '; there are more'}`,
      );
    if (redacted.length > 0) output.note('parts were taken out: it cannot be restored');
    else if (flags.output !== 'json')
      output.note(`restore: ${this.nextCommand('dlq', 'restore', args.channel, '--file', flags.file)}`);
  }
}
