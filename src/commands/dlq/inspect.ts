import { Flags } from '@oclif/core';
import { BaseCommand } from '../../lib/base.ts';
import { acceptCostFlag, channelArgument, chosenDeadLetterFlags, countFlag } from '../../lib/flags.ts';
import { agreeToLook } from '../../lib/dlq/agreed-look.ts';
import { decoderOf, decodings, type Decode } from '../../lib/dlq/decoding.ts';
import { groupings } from '../../lib/dlq/grouping.ts';
import { inspectDeadLetters, type Inspected } from '../../lib/dlq/inspect.ts';
import { parseLookRange } from '../../lib/dlq/look-range.ts';
import { UsageError } from '../../lib/errors.ts';
import type { Message } from '../../lib/message/message.ts';
import { registryDecoder } from '../../lib/operations/registry-decoder.ts';
import { listingFormats } from '../../lib/output/listing.ts';
import { lookCostText } from '../../lib/output/look-cost.ts';
import { messageFormats, parseMessageFormat } from '../../lib/output/message-format.ts';
import { makeMessageWriter, type MessageDetails } from '../../lib/output/message-writer.ts';
import { countText } from '../../lib/output/time.ts';

/** On a terminal a look stops here and says how to go on. */
const terminalLimit = 1_000;

export default class DlqInspect extends BaseCommand<typeof DlqInspect> {
  static override summary = 'Look at dead letters: why each one died, and where it came from';
  static override description = `Reads the failure from what the system says and from the headers of Kafka Connect, Spring, MassTransit, NServiceBus and others, into deadLetter: reason, class, message, attempts, origin, consumer, at. Only what is not resolved yet, unless --all.

A dead letter whose content another one has, too, is marked as its duplicate; --all shows of each whether it is resolved. Records (-o ndjson) have this in inspection: cause, state, duplicateOf.

Nothing is taken. Where a look costs something (a RabbitMQ queue counts a delivery), it takes 10 unless --limit says more.

--filter is CEL, as for consume; deadLetter holds the failure: 'deadLetter.class == "java.net.SocketTimeoutException"'. A cause is a fingerprint of class, masked message, first application frame, origin and consumer; see dlq groups.`;
  static override examples = [
    { description: 'The first ones', command: '<%= config.bin %> dlq inspect orders.dlq --limit 5' },
    { description: 'One cause', command: '<%= config.bin %> dlq inspect orders.dlq --cause 3f2a --limit 5' },
    {
      description: 'By what they say',
      command: `<%= config.bin %> dlq inspect orders.dlq --filter 'deadLetter.attempts > 3' -o ndjson`,
    },
  ];
  static override args = { channel: channelArgument };
  static override flags = {
    ...chosenDeadLetterFlags('FILTER'),
    limit: countFlag({ char: 'n', summary: 'Stop after N that match', helpGroup: 'FILTER' }),
    all: Flags.boolean({ summary: 'Also what was resolved', helpGroup: 'FILTER' }),
    yes: Flags.boolean({ char: 'y', summary: 'Agree to what a look costs', helpGroup: 'COST' }),
    'accept-cost': acceptCostFlag('COST'),
    'group-by': Flags.option({
      options: groupings,
      summary: 'Count them by what they have in common, as dlq groups does',
      helpGroup: 'OUTPUT',
    })(),
    explain: Flags.boolean({
      summary: 'With --group-by: what each fingerprint was made of',
      helpGroup: 'OUTPUT',
    }),
    decode: Flags.option({
      options: decodings,
      summary: 'Add the decoded payload to each record',
      helpGroup: 'OUTPUT',
    })(),
    output: Flags.string({
      char: 'o',
      summary: `${messageFormats.join(', ')}, fmt='%t %p %o %k\\t%s\\n'; with --group-by ${listingFormats.join(', ')}`,
      helpValue: 'FORMAT',
      helpGroup: 'OUTPUT',
    }),
  };

  async run(): Promise<void> {
    const { flags, args, output } = this;
    if (flags['group-by'] !== undefined) return this.config.runCommand('dlq:groups', this.argv);
    if (flags.explain) throw new UsageError('--explain is about causes', { hint: 'see mqctl dlq groups' });
    const { driver, declaration, context } = await this.connect({
      verb: 'dlq inspect',
      needs: ['look', 'deadLetters'],
      changes: false,
    });
    const source = { driver, declaration };
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
    const format = parseMessageFormat(flags.output ?? (output.data.isTerminal ? 'pretty' : 'ndjson'));
    const details = new Map<Message, Inspected>();
    const decode = flags.decode === undefined ? null : decoderOf(flags.decode);
    const write = makeMessageWriter(output, format, (message) =>
      detailsOf(message, details.get(message), decode, flags.all),
    );
    const place = flags.decode === undefined ? await this.registryPlace(undefined) : null;
    const registered = await registryDecoder(place, (text) => output.warn(text), this.signal);
    const stopsForPerson = output.data.isTerminal && flags.limit === undefined;
    const result = await inspectDeadLetters(
      source,
      {
        channel: args.channel,
        ...(registered === null ? {} : { decode: registered }),
        keep: await this.#filter(),
        range: parseLookRange(flags.from, flags.until),
        causes: flags.cause ?? null,
        limit: stopsForPerson ? terminalLimit : (flags.limit ?? null),
        takeAtMost,
        all: flags.all,
      },
      async (batch) => {
        details.clear();
        for (const inspected of batch) details.set(inspected.message, inspected);
        await write(batch.map(({ message }) => message));
      },
      this.signal,
    );
    await output.data.flush();
    if (takeAtMost !== null) output.note(lookCostText({ ...appraisal, ...result.report }));
    if (result.shown === 0) output.note(`no dead letter to show in "${args.channel}"`);
    if (stopsForPerson && !result.complete)
      output.note(`stopped after ${countText(terminalLimit)}: --limit N shows more, a pipe gets everything`);
    if (result.duplicatesUncertain)
      output.warn('there are so many different dead letters that some duplicates may not be marked');
  }

  async #filter(): Promise<(message: Message) => boolean> {
    const { createExpressionFilter } = await import('../../lib/filter/filter.ts');
    return createExpressionFilter(this.flags.filter, (text) => this.output.warn(text));
  }
}

function detailsOf(
  message: Message,
  inspected: Inspected | undefined,
  decode: Decode | null,
  withState: boolean,
): MessageDetails {
  if (inspected === undefined) return { fields: {}, remarks: [] };
  const { fingerprint, resolved, duplicateOf } = inspected;
  const state = resolved ? 'resolved' : 'unresolved';
  const decoded = decode?.(message);
  const remarks = [`cause ${fingerprint.id}${withState ? `, ${state}` : ''}`];
  if (duplicateOf !== null) remarks.push(`has the same content as ${duplicateOf}`);
  return {
    fields: {
      ...(decoded === undefined ? {} : { decoded }),
      inspection: { cause: fingerprint.id, state, duplicateOf },
    },
    remarks,
  };
}
