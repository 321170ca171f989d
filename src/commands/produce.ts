import { BaseCommand } from '../lib/base.ts';
import { FailedError, InterruptedError, PartialError, UsageError } from '../lib/errors.ts';
import { channelArgument } from '../lib/flags.ts';
import { parseHeaders, parseProperties } from '../lib/input/assignment.ts';
import { readMessages, type MessageInput } from '../lib/input/messages.ts';
import { parseRate } from '../lib/input/rate.ts';
import { fileSource, textSource, type Source } from '../lib/input/source.ts';
import type { NumberedMessage } from '../lib/message/numbered-message.ts';
import {
  checkContent,
  checkDelivery,
  checkReplies,
  type SaidContent,
} from '../lib/operations/check-content.ts';
import { conforming, type PartSchema } from '../lib/operations/conform.ts';
import { createMissing } from '../lib/operations/create-missing.ts';
import type { NamedPart } from '../lib/operations/part-schemas.ts';
import { produce, type ProduceResult } from '../lib/operations/produce.ts';
import type { RequestResult } from '../lib/operations/request.ts';
import { FirstTold } from '../lib/output/first-told.ts';
import { Progress } from '../lib/output/progress.ts';
import { countOf, countText } from '../lib/output/time.ts';
import { defaultReplyGapMs, produceFlags } from '../lib/produce-flags.ts';
import { failureText, invalidText, printProduced, shortfall } from '../lib/views/produce/report.ts';

/** More failures are counted, not listed. */
const failuresListed = 20;

export default class Produce extends BaseCommand<typeof Produce> {
  static override summary = 'Publish messages from arguments, stdin, files or records';
  static override description = `A message is produced when the broker said so; each one that is not is named by its line: exit 6, or 1 when none was. Nothing is created by producing, unless --create says so.

--format lines (default) makes each line a value; raw makes each --file one; ndjson publishes the records that consume -o ndjson or dlq archive wrote, byte for byte, also compressed ones (gzip, zstd); it does not check an archive as a whole, dlq restore does.

--request sends each message to whoever listens just now, one after the other, and writes the replies to stdout (-o ndjson: as records). Where nobody listens, or none answers within --timeout, it is exit 1, or 6 when others were answered.`;
  static override examples = [
    {
      description: 'One message',
      command: `<%= config.bin %> produce orders --key c-1 --header trace=abc --value '{"total":7}'`,
    },
    { description: 'A line is a message', command: '<%= config.bin %> produce orders < orders.txt' },
    {
      description: 'Key and value in a line',
      command: `printf 'c-1:{"total":7}\\n' | <%= config.bin %> produce orders --key-separator :`,
    },
    {
      description: 'What was consumed, byte for byte',
      command:
        '<%= config.bin %> consume orders -o ndjson | <%= config.bin %> produce orders.copy --format ndjson',
    },
    {
      description: 'A thousand of a kind, fifty a second',
      command: `<%= config.bin %> produce orders --template --value '{"n":{{n}},"id":"{{uuid}}"}' --count 1000 --rate 50/s`,
    },
    {
      description: 'To a RabbitMQ exchange',
      command: '<%= config.bin %> produce exchange:orders --routing-key eu.new --value hello',
    },
    {
      description: 'A request to a NATS service, and all of those that answer',
      command: '<%= config.bin %> produce prices.get --request --replies 0 --value EUR',
    },
  ];
  static override args = { channel: channelArgument };
  static override flags = produceFlags;

  async run(): Promise<void> {
    const { flags } = this;
    if (flags.output === 'ndjson' && !flags.request)
      throw new UsageError('-o ndjson writes replies, and there are none', {
        hint: 'say --request to wait for them, or -o json for the result',
      });
    const input = this.#input();
    const ratePerSecond = flags.rate === undefined ? null : parseRate(flags.rate);
    const schemas = await this.#schemas();
    if (schemas.length === 0 || flags['skip-invalid']) return this.#produce(input, schemas, ratePerSecond);
    // Nothing is sent before every line was looked at; what can be read only once is kept meanwhile.
    const { withSpooledInput } = await import('../lib/input/spooled-input.ts');
    const work = async (open: () => MessageInput): Promise<void> => {
      await this.#checkAll(open(), schemas);
      await this.#produce(open(), schemas, ratePerSecond);
    };
    return withSpooledInput(input, work, this.signal);
  }

  async #checkAll(input: MessageInput, schemas: readonly PartSchema[]): Promise<void> {
    const invalid = this.#firstTold();
    const checking = conforming(readMessages(input), schemas, (line) => invalid.add(invalidText(line)));
    for await (const chunk of checking) if (chunk.length > 0) this.signal.throwIfAborted();
    if (invalid.count === 0) return;
    throw new UsageError(
      `${countOf(invalid.count, 'message is', 'messages are')} invalid, and nothing was sent`,
      { hint: 'mend them, or send the rest with --skip-invalid' },
    );
  }

  async #produce(
    input: MessageInput,
    schemas: readonly PartSchema[],
    ratePerSecond: number | null,
  ): Promise<void> {
    const { flags } = this;
    const invalid = this.#firstTold();
    const messages =
      schemas.length === 0
        ? readMessages(input)
        : conforming(readMessages(input), schemas, (line) => invalid.add(invalidText(line)));
    if (flags['dry-run']) await this.#dryRun(messages);
    const sent = flags['dry-run']
      ? 0
      : flags.request
        ? (await this.#request(messages)).answered
        : (await this.#send(messages, ratePerSecond)).produced;
    this.#answerInvalid(invalid.count, sent);
  }

  async #send(
    messages: AsyncIterable<readonly NumberedMessage[]>,
    ratePerSecond: number | null,
  ): Promise<ProduceResult> {
    const { flags, args, output } = this;
    const { channel } = args;
    const { delivery } = flags;
    const compression = flags.compression ?? null;
    const { driver, declaration } = await this.connect({
      verb: 'produce',
      needs: ['publish'],
      changes: true,
      check: (declared) => {
        checkDelivery(declared, { delivery, compression });
        checkContent(declared, this.#content());
      },
    });
    if (flags.create && (await createMissing(driver, declaration, channel, this.signal)))
      output.note(`created "${channel}"`);
    const failures = this.#firstTold();
    const progress = new Progress(output, 'produced', null);
    const result = await produce(
      driver.publish,
      messages,
      {
        request: { channel, delivery, compression },
        patienceMs: flags.timeout,
        ratePerSecond,
        onProgress: (accepted) => progress.add(accepted),
        onBlocked: (reason) => output.note(`the broker asks to wait: ${reason}`),
        onFailure: (failure) => failures.add(failureText(failure)),
      },
      this.signal,
    ).finally(() => progress.finish());
    if (failures.untold > 0) output.note(`and ${countText(failures.untold)} more`);
    await printProduced(output, result, { channel, delivery, json: flags.output === 'json' });
    if (this.signal.aborted && this.signal.reason instanceof InterruptedError) throw this.signal.reason;
    const failed = shortfall(result, delivery);
    if (failed !== null) throw failed;
    return result;
  }

  async #request(messages: AsyncIterable<readonly NumberedMessage[]>): Promise<RequestResult> {
    const { flags, output } = this;
    const { channel } = this.args;
    const { driver, declaration } = await this.connect({
      verb: 'produce --request',
      needs: ['requests'],
      changes: true,
      check: (declared) => {
        checkReplies(declared, flags.replies ?? 1);
        checkContent(declared, this.#content());
      },
    });
    for (const said of await driver.requests.appraise(channel, this.signal)) output.note(said);
    const { request } = await import('../lib/operations/request.ts');
    const { ReplyReport, unanswered } = await import('../lib/views/produce/replies.ts');
    const report = new ReplyReport(output, flags.output === 'table' ? 'value' : (flags.output ?? 'value'));
    const result = await request(
      driver.requests,
      messages,
      {
        channel,
        replies: flags.replies === undefined ? 1 : flags.replies === 0 ? null : flags.replies,
        gapMs: flags['reply-timeout'] ?? defaultReplyGapMs,
        onReply: (line, reply) => report.add(line, reply),
        onFailure: (line, error) => report.addFailure(line, error),
      },
      this.signal,
    );
    await report.end(result);
    if (result.requested === 1 && result.failure !== null) throw result.failure;
    report.tell(result, channel, declaration.facets.requests?.delivery ?? 'at-most-once');
    const failed = unanswered(result);
    if (failed !== null) throw failed;
    return result;
  }

  async #dryRun(messages: AsyncIterable<readonly NumberedMessage[]>): Promise<void> {
    let count = 0;
    for await (const chunk of messages) count += chunk.length;
    this.output.note(`would produce ${countOf(count, 'message')} to "${this.args.channel}"`);
    if (this.flags.output === 'json')
      await this.output.printJson({ produced: 0, wouldProduce: count, channel: this.args.channel });
  }

  #answerInvalid(invalid: number, sent: number): void {
    if (invalid === 0) return;
    const text = `${countOf(invalid, 'message was', 'messages were')} invalid and not sent`;
    throw sent > 0 || this.flags['dry-run'] ? new PartialError(text) : new FailedError(text);
  }

  #firstTold(): FirstTold {
    return new FirstTold(failuresListed, (text) => this.output.note(text));
  }

  async #schemas(): Promise<readonly PartSchema[]> {
    const { flags, args } = this;
    const named: NamedPart[] = [];
    if (flags['value-schema'] !== undefined) named.push(['value', flags['value-schema']]);
    if (flags['key-schema'] !== undefined) named.push(['key', flags['key-schema']]);
    if (flags.validate && named.length === 0) named.push(['value', `subject:${args.channel}-value`]);
    if (named.length === 0) {
      if (flags.framing !== undefined)
        throw new UsageError('--framing frames what a schema encodes, and none is named', {
          hint: 'add --value-schema or --key-schema',
        });
      if (flags['skip-invalid'])
        throw new UsageError('--skip-invalid skips what a schema refuses, and none is named', {
          hint: 'add --value-schema, or --validate',
        });
      return [];
    }
    const { partSchemas } = await import('../lib/operations/part-schemas.ts');
    const framing = flags.validate ? null : (flags.framing ?? 'confluent');
    return partSchemas(named, framing, () => this.requiredRegistry(flags.registry), this.signal);
  }

  #content(): SaidContent {
    const { flags, args } = this;
    return {
      channel: args.channel,
      hasKey: flags.key !== undefined || flags['key-separator'] !== undefined,
      hasHeaders: flags.header !== undefined,
      hasPartition: flags.partition !== undefined,
      hasNullValue: flags['null-value'] !== undefined,
      hasTimestamp: flags.keep?.includes('timestamp') === true,
      properties: Object.keys(this.#properties()),
      exchange: flags.exchange ?? null,
      routingKey: flags['routing-key'] ?? null,
      framing: flags.framing ?? null,
    };
  }

  #properties() {
    const { flags } = this;
    return parseProperties([
      ...(flags.property ?? []),
      ...(flags.exchange === undefined ? [] : [`exchange=${flags.exchange}`]),
      ...(flags['routing-key'] === undefined ? [] : [`routingKey=${flags['routing-key']}`]),
    ]);
  }

  #input(): MessageInput {
    const { flags } = this;
    return {
      sources: this.#sources(),
      format: flags.format ?? (flags.value === undefined ? null : 'raw'),
      key: flags.key ?? null,
      keySeparator: flags['key-separator'] ?? null,
      headers: parseHeaders(flags.header ?? []),
      properties: this.#properties(),
      partition: flags.partition ?? null,
      keep: new Set(flags.keep ?? []),
      nullValue: flags['null-value'] ?? null,
      template: flags.template,
      count: flags.count,
      envelope: flags.envelope,
    };
  }

  #sources(): Source[] {
    const { flags } = this;
    if (flags.value !== undefined) return [textSource('--value', flags.value)];
    if (flags.file !== undefined) return flags.file.map(fileSource);
    return [this.messagesOnStdin()];
  }
}
